/* See scene.h. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "xml/reader.h"
#include "xml/tree.h"
#include "xml/writer.h"

/* ---- text to stanza ---- */

struct parsed {
	struct scene *scene;
	struct stanza *st;
};

static bool
on_open(void *ctx, const struct xml_element *root)
{
	(void)ctx;
	(void)root;
	return true;
}

static struct str
attr(struct scene *s, const struct xml_element *e, const char *name)
{
	return arena_str(&s->arena, xml_element_attr(e, (struct str){0}, name, NULL));
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	struct parsed *p = ctx;
	struct stanza *st = p->st;
	enum stanza_type type = TYPE_NORMAL;

	st->kind = str_is(e->name, "iq")  ? STANZA_IQ
	    : str_is(e->name, "presence") ? STANZA_PRESENCE
					  : STANZA_MESSAGE;
	assert_true(stanza_type_parse((enum stanza_kind)st->kind, attr(p->scene, e, "type"), &type));
	st->type = (uint8_t)type;
	st->priority = (int8_t)e->priority;
	st->facts = e->facts;
	st->from = attr(p->scene, e, "from");
	st->to = attr(p->scene, e, "to");
	st->id = attr(p->scene, e, "id");
	st->payload = arena_str(&p->scene->arena, e->payload);
	return true;
}

struct stanza
stanza_from(struct scene *s, const char *text)
{
	static const struct xml_limits limits = {1 << 20, 20000, 60, 100, 1 << 20};
	struct stanza st = {0};
	struct parsed p = {.scene = s, .st = &st};
	struct xml_events events = {.open = on_open, .element = on_element};
	struct xml_reader *r = xml_reader_new(&events, &p, S("jabber:client"), &limits);

	xml_reader_feed(r,
	    S("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"),
	    NULL);
	assert_int_equal(xml_reader_feed(r, str_z(text), NULL), XML_OK);
	xml_reader_free(&r);
	return st;
}

/* ---- stanza to text ---- */

/* The condition of an error instead of its payload. */
static void
shorten_error(struct stanza *st, struct buf *scratch, struct arena *a)
{
	struct xml_node *e =
	    xml_find(xml_tree_parse(a, st->payload, S("jabber:client")), "jabber:client", "error");

	if (st->type != TYPE_ERROR || !e || !e->children)
		return;
	buf_printf(scratch, "[%.*s]", STR_ARG(e->children->name));
	st->payload = buf_str(scratch);
}

/* What changes from run to run replaced: attributes whose value begins so. */
static const struct {
	struct str begin;
	size_t quote; /* where the value begins */
	const char *instead;
} variable[] = {
    {S("id='push"), 3, "id='push'"},
    {S("stamp='"), 6, "stamp='T'"},
    {S("utc>2"), 3, "utc>T"},
    {S("by='romeo@h' id='"), 16, "by='romeo@h' id='I'"},
    {S("by='juliet@h' id='"), 17, "by='juliet@h' id='I'"},
};

static void
append_readable(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		struct str rest = str_from(text, i);
		unsigned v = 0;

		while (v < COUNT(variable) && !str_starts(rest, variable[v].begin))
			v++;
		if (v == COUNT(variable)) {
			buf_add_c(out, text.p[i]);
			continue;
		}
		buf_add_z(out, variable[v].instead);
		i += variable[v].quote + 1;
		i += str_find(str_from(text, i), rest.p[variable[v].quote] == '>' ? '<' : '\'');
		if (text.p[i] == '<')
			i--;
	}
}

void
scene_write(struct scene *s, const struct stanza *stanza)
{
	struct stanza st = *stanza;
	struct buf text = {0}, scratch = {0};
	struct arena a = {0};

	shorten_error(&st, &scratch, &a);
	xml_write_stanza(&text, &st);
	append_readable(&s->out, buf_str(&text));
	buf_add_c(&s->out, '\n');
	buf_deinit(&text);
	buf_deinit(&scratch);
	arena_deinit(&a);
}

struct client *
scene_client_by_conn(struct scene *s, const struct endpoint *edge, uint64_t conn)
{
	for (unsigned i = 0; i < s->n_clients; i++)
		if (s->clients[i].conn == conn && s->clients[i].edge.incarnation == edge->incarnation)
			return &s->clients[i];
	return NULL;
}

static struct str
bare_of(struct scene *s, const struct client *c)
{
	struct str local;
	struct str rest;

	str_split(str_z(c->name), '/', &local, &rest);
	return arena_printf(&s->arena, "%.*s@h", STR_ARG(local));
}

static void
write_delivery(struct scene *s, const struct sent *f)
{
	const struct msg_DELIVER *m = f->msg;
	struct bus_list list = m->targets;
	struct rec_target t;

	while (bus_list_next(&list, &bus_record_target, &t)) {
		struct client *c = scene_client_by_conn(s, &f->to, t.conn);
		struct stanza st = m->st;

		assert_non_null(c);
		assert_int_equal(t.k, c->k + 1);
		c->k = t.k;
		if (str_empty(st.to))
			st.to = bare_of(s, c);
		buf_printf(&s->out, "%s: ", c->name);
		scene_write(s, &st);
	}
}

static void
write_bound(struct scene *s, const struct sent *f)
{
	const struct msg_BOUND_TO *m = f->msg;
	struct client *c = scene_client_by_conn(s, &f->to, m->conn);

	assert_non_null(c);
	c->sid = m->session.sid;
	c->token = m->session.token;
	c->epoch = m->session.epoch;
	buf_printf(&s->out, "%s is %.*s\n", c->name, STR_ARG(m->session.jid));
}

static void
write_release(struct scene *s, const struct sent *f)
{
	const struct msg_RELEASE *m = f->msg;
	struct client *c = scene_client_by_conn(s, &f->to, m->conn);

	if (c)
		buf_printf(&s->out, "%s: RELEASE %s\n", c->name,
		    m->error ? stream_error_name((enum stream_error)m->error) : "");
	else
		buf_printf(&s->out, "conn %llu: RELEASE %s\n", (unsigned long long)m->conn,
		    m->error ? stream_error_name((enum stream_error)m->error) : "");
}

static void
write_other(struct scene *s, const struct sent *f)
{
	const struct msg_ROUTE *route = f->msg;
	const struct msg_PRESENCE_COPY *copy = f->msg;
	const struct msg_FAILED *failed = f->msg;

	buf_printf(&s->out, "%s %s", role_name(f->to.role), f->message->body.name);
	if (f->message->type == MSG_FAILED)
		buf_printf(&s->out, " %.*s\n", STR_ARG(failed->text));
	else if (f->message->type == MSG_PRESENCE_COPY)
		buf_printf(&s->out, " %u %d %u\n", copy->presence, (int8_t)copy->priority,
		    copy->directed.count);
	else if (f->message->type == MSG_ROUTE || f->message->type == MSG_ROUTE_BACK ||
	    f->message->type == MSG_ROUTE_BOUNCE) {
		buf_add_c(&s->out, ' ');
		scene_write(s, &route->st);
	} else
		buf_add_c(&s->out, '\n');
}

static void
write_frame(struct scene *s, struct sent *f)
{
	switch (f->message->type) {
	case MSG_DELIVER:
		write_delivery(s, f);
		return;
	case MSG_BOUND_TO:
		write_bound(s, f);
		return;
	case MSG_RESUMED:
		scene_resumed(s, f);
		return;
	case MSG_RELEASE:
		write_release(s, f);
		return;
	case MSG_FEATURES:
		return;
	case MSG_PRESENCE_COPY:
		if (!s->shows_copies)
			return;
		break;
	default:
		break;
	}
	write_other(s, f);
}

/* ---- the suite around it ---- */

void
scene_pump(struct scene *s)
{
	struct sent *f;

	scene_store_retry(s);
	while ((f = sent_take(&s->bus))) {
		if (scene_store_answers(s, f))
			continue;
		write_frame(s, f);
		if (!s->hold_acks)
			sent_ack(&s->bus, f);
	}
}

void
scene_ack(struct scene *s)
{
	LIST_FOREACH_SAFE(&s->bus.waiting, it, nx) {
		struct sent *f = CONTAINER_OF(it, struct sent, link);

		if (!f->fn)
			sent_ack(&s->bus, f);
	}
	scene_pump(s);
}

static void
default_settings(struct sessiond_settings *set)
{
	*set = (struct sessiond_settings){.sessions_max = 100,
	    .sessions_per_account = 10,
	    .archive_queries = 10,
	    .replace_oldest_session = true,
	    .accounts_cached = 100,
	    .offline_max = 100,
	    .roster_max = 5000,
	    .requests_max = 500,
	    .window_bytes = 262144,
	    .password_change = true,
	    .account_removal = true,
	    .tell_version = true,
	    .privacy_lists = true,
	    .client_state = true,
	    .archive_preferences = true,
	    .queue_bytes = 2097152,
	    .queues_bytes = 2097152,
	    .stall_seconds = 60,
	    .resume_seconds = 600,
	    .detached_per_account = 10};
}

struct scene *
scene_new_closed(void)
{
	static const char *const users[] = {
	    "romeo@h", "juliet@h", "mercutio@h", "benvolio@h", "tybalt@h", "nurse@h", NULL};
	struct scene *s = NEW(struct scene);

	log_set_level(LOG_ERROR);
	for (unsigned i = 0; users[i]; i++)
		s->users[i] = users[i];
	default_settings(&s->settings);
	s->generation = 1;
	s->daemon.settings = &s->settings;
	s->daemon.suite.n_c2sd = 1;
	s->daemon.bus = &s->bus;
	s->edge = (struct endpoint){.role = ROLE_C2SD, .incarnation = 1000};
	fake_bus_init(&s->bus, &s->sd);
	s->bus.c2sd_incarnation[0] = s->edge.incarnation;
	sessiond_init(&s->sd, &s->daemon);
	sessiond_events.linked(&s->sd, true);
	sessiond_events.peer_new(&s->sd, &s->edge);
	return s;
}

void
scene_open(struct scene *s)
{
	struct msg_REG_END end = {.count = 0};

	fake_receive(&s->bus, &s->edge, MSG_REG_END, &end, NULL, NULL);
	scene_pump(s);
	assert_true(s->sd.is_open);
}

struct scene *
scene_new(void)
{
	struct scene *s = scene_new_closed();

	scene_open(s);
	return s;
}

void
scene_free(struct scene *s)
{
	fake_bus_deinit(&s->bus);
	sessiond_deinit(&s->sd);
	fake_bus_deinit(&s->bus);
	assert_int_equal(s->bus.custodies, 0);
	scene_store_free(s);
	arena_deinit(&s->arena);
	buf_deinit(&s->out);
	free(s);
}

void
scene_stop(struct scene *s)
{
	fake_bus_free(&s->bus);
	s->daemon.bus = NULL;
	sessiond_deinit(&s->sd);
	scene_store_free(s);
	arena_deinit(&s->arena);
	buf_deinit(&s->out);
	free(s);
}

/* ---- clients ---- */

struct client *
client_of(struct scene *s, const char *name)
{
	for (unsigned i = s->n_clients; i > 0; i--)
		if (strcmp(s->clients[i - 1].name, name) == 0)
			return &s->clients[i - 1];
	fail_msg("no client %s", name);
	return NULL;
}

struct client *
binds(struct scene *s, const char *name)
{
	struct client *c = &s->clients[s->n_clients++];
	struct msg_BIND m = {.req = 1, .ticket = id_random()};
	struct str local, resource;

	str_split(str_z(name), '/', &local, &resource);
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->edge = s->edge;
	c->conn = s->n_clients;
	m.conn = c->conn;
	m.jid = arena_printf(&s->arena, "%.*s@h", STR_ARG(local));
	m.resource = resource;
	m.source = S("192.0.2.1");
	scene_store_ticket(s, m.jid);
	fake_receive(&s->bus, &c->edge, MSG_BIND, &m, NULL, NULL);
	scene_pump(s);
	return c;
}

struct client *
login(struct scene *s, const char *name)
{
	struct client *c = binds(s, name);

	says(s, name, "<presence/>");
	reads(s, name);
	forget(s);
	return c;
}

void
says(struct scene *s, const char *name, const char *stanza)
{
	struct client *c = client_of(s, name);
	struct msg_STANZA m = {.conn = c->conn, .sid = c->sid, .n = ++c->n};

	m.st = stanza_from(s, stanza);
	c->last_acked = fake_receive(&s->bus, &c->edge, MSG_STANZA, &m, NULL, NULL);
	scene_pump(s);
}

void
is_active(struct scene *s, const char *name, bool is_active)
{
	struct client *c = client_of(s, name);
	struct msg_CSI m = {.conn = c->conn, .active = is_active};

	fake_receive(&s->bus, &c->edge, MSG_CSI, &m, NULL, NULL);
	scene_pump(s);
}

void
leaves(struct scene *s, const char *name)
{
	struct client *c = client_of(s, name);
	struct msg_CLOSED m = {.conn = c->conn, .sid = c->sid, .epoch = c->epoch, .clean = true};

	fake_receive(&s->bus, &c->edge, MSG_CLOSED, &m, NULL, NULL);
	scene_pump(s);
}

void
reads(struct scene *s, const char *name)
{
	struct client *c = client_of(s, name);
	struct rec_target t = {.conn = c->conn, .k = c->k};
	struct msg_WRITTEN m = {.targets = {.items = &t, .count = 1}};

	fake_receive(&s->bus, &c->edge, MSG_WRITTEN, &m, NULL, NULL);
	scene_pump(s);
}

void
route_in(struct scene *s, enum role from, enum msg_type type, const char *stanza)
{
	struct endpoint e = {.role = from, .instance = from == ROLE_SESSIOND, .incarnation = 1};
	struct msg_ROUTE m = {.st = stanza_from(s, stanza)};
	struct opid op = {.origin = id_random(), .n = 1, .kind = OP_STANZA};

	fake_receive(&s->bus, &e, type, &m, &op, NULL);
	scene_pump(s);
}

void
remote_says(struct scene *s, const char *stanza)
{
	route_in(s, ROLE_S2SD, MSG_ROUTE, stanza);
}

/* ---- expectations ---- */

void
forget(struct scene *s)
{
	buf_clear(&s->out);
}

bool
has(struct scene *s, const char *text)
{
	buf_add_c(&s->out, '\0');
	s->out.end--;
	return strstr((const char *)s->out.data + s->out.start, text) != NULL;
}

void
expect_(struct scene *s, const char *text, const char *file, int line)
{
	buf_add_c(&s->out, '\0');
	s->out.end--;
	_assert_string_equal((const char *)s->out.data + s->out.start, text, file, line);
	forget(s);
}
