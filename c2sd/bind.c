/* Resource binding (RFC 6120 §7): the ticket and the wish go to sessiond, which makes the session. The wait for its answer outlives
 * the client: a session that was made for a client that has gone must be closed again. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "links.h"
#include "names.h"
#include "negotiate.h"
#include "session.h"
#include "xml/tree.h"
#include "xml/writer.h"

/* ---- telling the client ---- */

static void
write_iq(struct client *c, enum stanza_type type, struct buf *payload)
{
	struct stanza iq = {.kind = STANZA_IQ,
	    .type = (uint8_t)type,
	    .id = str_z(c->nego->bind_id),
	    .payload = buf_str(payload)};

	xml_write_stanza(wire_out(&c->wire), &iq);
	client_touch(c);
	buf_deinit(payload);
}

static void
refuse(struct client *c, enum stanza_error error)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;

	client_set_state(c, CLIENT_BIND);
	xw_init(&w, &payload, S(NS_CLIENT));
	xml_write_error(&w, error, S(""));
	write_iq(c, TYPE_ERROR, &payload);
	/* RFC 6120 §7.7.3 */
	if (c->state != CLIENT_CLOSING &&
	    ++c->nego->refusals >= (unsigned)c2sd_settings(c->c2sd)->bind_failures)
		client_end(c, STREAM_POLICY_VIOLATION, "too many refused requests to bind");
}

static void
succeed(struct client *c, const struct rec_session *record)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;

	xw_init(&w, &payload, S(NS_CLIENT));
	xw_open(&w, S(NS_BIND), S("bind"));
	xw_leaf(&w, S(""), "jid", record->jid);
	xw_close(&w);
	write_iq(c, TYPE_RESULT, &payload);
	if (c->state == CLIENT_CLOSING)
		return;
	client_has_session(c, session_new(c->c2sd, c->number, record));
	client_log(c, LOG_INFO, "session begins");
}

static enum stanza_error
error_of(enum bus_error error)
{
	switch (error) {
	case BUS_ERROR_CONFLICT:
		return SE_CONFLICT;
	case BUS_ERROR_LIMIT:
	case BUS_ERROR_UNAVAILABLE:
		return SE_RESOURCE_CONSTRAINT;
	case BUS_ERROR_FORBIDDEN:
		return SE_NOT_ALLOWED;
	case BUS_ERROR_BAD_REQUEST:
	case BUS_ERROR_NOT_ACCEPTABLE:
		return SE_BAD_REQUEST;
	case BUS_ERROR_INTERNAL:
	case BUS_ERROR_NOT_FOUND:
	case BUS_ERROR_EXISTS:
	case BUS_ERROR_FULL:
	case BUS_ERROR_COUNT:
		break;
	}
	return SE_INTERNAL_SERVER_ERROR;
}

/* ---- sessiond answers ---- */

/* The bound answer, or NULL. */
static const struct rec_session *
session_in(const struct bus_in *in, const void *msg)
{
	if (!in || in->message->type != MSG_BOUND_TO)
		return NULL;
	return &((const struct msg_BOUND_TO *)msg)->session;
}

static enum stanza_error
error_in(const struct bus_in *in, const void *msg)
{
	if (!in || in->message->type != MSG_FAILED)
		return SE_RESOURCE_CONSTRAINT;
	return error_of((enum bus_error)((const struct msg_FAILED *)msg)->error);
}

struct client *
bind_waited(struct session_wait *w, struct c2sd **c2sd_r, uint64_t *number_r)
{
	struct client *c = w->client;

	*c2sd_r = w->c2sd;
	*number_r = w->number;
	if (c)
		c->nego->wait = NULL;
	free(w);
	return c;
}

static void
on_bound(void *arg, const struct bus_in *in, const void *msg)
{
	const struct rec_session *record = session_in(in, msg);
	struct c2sd *d;
	uint64_t number;
	struct client *c = bind_waited(arg, &d, &number);

	if (c && record)
		succeed(c, record);
	else if (c)
		refuse(c, error_in(in, msg));
	else if (record)
		session_close(session_new(d, number, record), false);
	if (c)
		client_answered(c);
}

void
bind_forget(struct client *c)
{
	if (c->nego && c->nego->wait)
		c->nego->wait->client = NULL;
}

struct session_wait *
bind_wait(struct client *c)
{
	struct session_wait *w = NEW(struct session_wait);

	w->c2sd = c->c2sd;
	w->client = c;
	w->number = c->number;
	c->nego->wait = w;
	client_set_state(c, CLIENT_BIND_WAIT);
	wire_pause(&c->wire, PAUSE_ANSWER);
	return w;
}

/* ---- the request ---- */

/* The wished resource, prepared; empty: the server's choice. False: it is malformed. */
static bool
wished_resource(const struct xml_element *e, struct jid_buf *buf, struct str *resource_r)
{
	struct arena arena = {.blocks = NULL};
	struct xml_node *bind =
	    xml_find(xml_tree_parse(&arena, e->payload, S(NS_CLIENT)), NS_BIND, "bind");
	struct xml_node *resource = bind ? xml_child(bind, NS_BIND, "resource") : NULL;
	bool good = bind != NULL && e->n_children == 1;

	*resource_r = S("");
	if (good && resource && !str_empty(resource->text))
		good = jid_prepare_resource(resource_r, buf, resource->text);
	arena_deinit(&arena);
	return good;
}

/* Patient without a deadline: sessiond's answer must not be missed. The client has one of its own. */
static void
ask(struct client *c, const struct endpoint *sessiond, struct str resource)
{
	struct msg_BIND m = {.conn = c->number,
	    .ticket = c->nego->ticket,
	    .jid = str_z(c->nego->jid),
	    .resource = resource,
	    .tls = c->wire.tls != NULL,
	    .source = str_z(c->visitor.address),
	    .lang = str_z(c->lang)};

	bus_request(
	    c2sd_bus(c->c2sd), sessiond, MSG_BIND, &m, NULL, NULL, 0, on_bound, bind_wait(c));
}

/* To the account or the server, nobody else (RFC 6120 §7.1). */
static bool
is_for_us(const struct client *c, struct str to)
{
	struct jid_buf buf;
	struct jid jid;

	return str_empty(to) ||
	    (jid_prepare(&jid, &buf, to) &&
		(str_is(jid.full, c->nego->jid) || str_is(jid.full, c->nego->domain)));
}

bool
bind_iq(struct client *c, const struct xml_element *e)
{
	struct endpoint sessiond = links_sessiond_of(c->c2sd, str_z(c->nego->jid));
	struct str resource;
	struct jid_buf buf;

	/* Before a resource is bound nothing else may be asked (RFC 6120 §7.1). */
	if (!str_is(xml_element_attr(e, S(""), "type", NULL), "set") ||
	    !str_is(e->child_ns, NS_BIND) || !is_for_us(c, xml_element_attr(e, S(""), "to", NULL))) {
		client_end(c, STREAM_NOT_AUTHORIZED, "bind first");
		return false;
	}
	free(c->nego->bind_id);
	c->nego->bind_id = str_dup(xml_element_attr(e, S(""), "id", NULL));
	if (!wished_resource(e, &buf, &resource) || !*c->nego->bind_id)
		refuse(c, SE_BAD_REQUEST);
	else if (sessiond.incarnation == 0)
		refuse(c, SE_RESOURCE_CONSTRAINT);
	else
		ask(c, &sessiond, resource);
	return true;
}
