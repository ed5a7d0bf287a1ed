/* The rows of detached sessions in the scene's storaged. */
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

	if (r && r->epoch < m->epoch)
		sent_answer(&s->bus, f, MSG_DONE, &done);
	else
		sent_answer(&s->bus, f, MSG_FAILED, &failed);
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
