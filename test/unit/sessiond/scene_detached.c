/* Stream management in scenes: what clients do, and the rows of detached sessions in the scene's storaged. */
#include "scene.h"

static struct session_row *
find_row(struct scene *s, const struct id128 *sid)
{
	for (unsigned i = 0; i < s->n_sessions; i++)
		if (id_eq(&s->sessions[i].sid, sid))
			return &s->sessions[i];
	return NULL;
}

/* The messages in a record are owed no more. */
static void
unowe(struct scene *s, const struct rec_session *r)
{
	struct bus_list list = r->unacked;
	struct rec_unacked u;

	while (bus_list_next(&list, &bus_record_unacked, &u))
		for (unsigned i = 0; i < s->n_rows; i++)
			if (u.kind == OP_DELIVERY && s->rows[i].op.n == u.n &&
			    id_eq(&s->rows[i].op.origin, &u.origin))
				s->rows[i].is_not_owed = true;
}

static void
put(struct scene *s, const struct msg_DETACH *m)
{
	struct session_row *r = find_row(s, &m->session.sid);

	if (r && r->epoch > m->session.epoch)
		return;
	if (!r) {
		assert_true(s->n_sessions < USERS_MAX);
		r = &s->sessions[s->n_sessions++];
	}
	r->sid = m->session.sid;
	r->epoch = m->session.epoch;
	r->claim_edge = r->claim_conn = 0;
	buf_clear(&r->body);
	bus_encode(&r->body, bus_message(MSG_DETACH), m);
	unowe(s, &m->session);
}

static void
drop(struct scene *s, const struct msg_DROP *m)
{
	struct session_row *r = find_row(s, &m->sid);

	struct msg_DETACH row;

	if (!r || r->epoch > m->epoch)
		return;
	assert_true(bus_decode(bus_message(MSG_DETACH), buf_str(&r->body), &row));
	if (m->given)
		unowe(s, &row.session);
	buf_deinit(&r->body);
	*r = s->sessions[--s->n_sessions];
	s->sessions[s->n_sessions] = (struct session_row){.epoch = 0};
}

static void
load(struct scene *s, struct sent *f)
{
	struct rec_session *records = arena_alloc(&s->arena, USERS_MAX * sizeof(*records));
	struct msg_LOADED m = {.sessions = {.items = records}};
	struct msg_DETACH row;

	for (unsigned i = 0; i < s->n_sessions; i++) {
		assert_true(
		    bus_decode(bus_message(MSG_DETACH), buf_str(&s->sessions[i].body), &row));
		records[m.sessions.count++] = row.session;
	}
	sent_answer(&s->bus, f, MSG_LOADED, &m);
}

static void
claim(struct scene *s, struct sent *f)
{
	const struct msg_CLAIM *m = f->msg;
	struct session_row *r = find_row(s, &m->sid);
	struct msg_DONE done = {.count = 1};
	struct msg_FAILED failed = {.error = BUS_ERROR_NOT_FOUND};

	if (!r || r->epoch >= m->epoch ||
	    (r->claim_edge && (r->claim_edge != m->edge_incarnation || r->claim_conn != m->conn))) {
		sent_answer(&s->bus, f, MSG_FAILED, &failed);
		return;
	}
	r->claim_edge = m->edge_incarnation;
	r->claim_conn = m->conn;
	sent_answer(&s->bus, f, MSG_DONE, &done);
}

bool
scene_detached_answers(struct scene *s, struct sent *f)
{
	switch (f->message->type) {
	case MSG_DETACH:
		put(s, f->msg);
		sent_ack(&s->bus, f);
		return true;
	case MSG_DROP:
		drop(s, f->msg);
		sent_ack(&s->bus, f);
		return true;
	case MSG_LOAD:
		load(s, f);
		return true;
	case MSG_CLAIM:
		claim(s, f);
		return true;
	default:
		return false;
	}
}

void
scene_detached_free(struct scene *s)
{
	for (unsigned i = 0; i < s->n_sessions; i++)
		buf_deinit(&s->sessions[i].body);
}

/* ---- clients ---- */

/* The edge writes what the client had not acknowledged; it has all of it then. */
void
scene_resumed(struct scene *s, const struct sent *f)
{
	const struct msg_RESUMED *m = f->msg;
	struct client *c = scene_client_by_conn(s, &f->to, m->conn);
	struct bus_list list = m->session.unacked;
	struct rec_unacked u;

	assert_non_null(c);
	c->epoch = m->session.epoch;
	c->k = m->session.acked;
	buf_printf(&s->out, "%s goes on, done %llu\n", c->name,
	    (unsigned long long)(m->session.done - m->session.in_base));
	while (bus_list_next(&list, &bus_record_unacked, &u)) {
		assert_int_equal(u.k, ++c->k);
		buf_printf(&s->out, "%s again: ", c->name);
		scene_write(s, &u.st);
	}
	assert_int_equal(c->k, m->session.k);
}

struct session *
session_named(struct scene *s, const char *name)
{
	return sessions_by_sid(&s->sd, &client_of(s, name)->sid);
}

void
enables(struct scene *s, const char *name)
{
	struct client *c = client_of(s, name);
	struct msg_SM_ENABLE m = {
	    .req = 1, .conn = c->conn, .sid = c->sid, .n = c->n, .resume = true};

	fake_receive(&s->bus, &c->edge, MSG_SM_ENABLE, &m, NULL, NULL);
	scene_pump(s);
	forget(s);
}

void
acks(struct scene *s, const char *name, uint64_t k)
{
	struct client *c = client_of(s, name);
	struct msg_CLIENT_ACK m = {.conn = c->conn, .acked = k};

	fake_receive(&s->bus, &c->edge, MSG_CLIENT_ACK, &m, NULL, NULL);
	scene_pump(s);
}

void
loses(struct scene *s, const char *name)
{
	struct client *c = client_of(s, name);
	struct msg_CLOSED m = {.conn = c->conn, .sid = c->sid, .epoch = c->epoch};

	c->last_acked = fake_receive(&s->bus, &c->edge, MSG_CLOSED, &m, NULL, NULL);
	scene_pump(s);
}

void
resumes(struct scene *s, const char *name, uint32_t h)
{
	struct client *c = client_of(s, name);

	c->edge = s->edge;
	c->conn = 1000 + s->next_conn++;
	resumes_again(s, name, h);
}

void
resumes_again(struct scene *s, const char *name, uint32_t h)
{
	struct client *c = client_of(s, name);
	struct msg_RESUME m = {.req = 1, .token = c->token, .h = h, .ticket = id_random()};
	struct str local, resource;

	str_split(str_z(name), '/', &local, &resource);
	m.jid = arena_printf(&s->arena, "%.*s@h", STR_ARG(local));
	m.conn = c->conn;
	scene_store_ticket(s, m.jid);
	fake_receive(&s->bus, &c->edge, MSG_RESUME, &m, NULL, NULL);
	scene_pump(s);
}

struct scene *
scene_of_two(void)
{
	struct scene *s = scene_new();

	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	login(s, "juliet/balcony");
	reads(s, "juliet/balcony");
	enables(s, "juliet/balcony");
	forget(s);
	return s;
}
