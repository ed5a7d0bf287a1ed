/* Resource binding (RFC 6120 §7): the ticket and the wish go to sessiond, which makes the session. */
#include <stdlib.h>

#include "base/log.h"
#include "client.h"
#include "names.h"
#include "session.h"
#include "xml/tree.h"
#include "xml/writer.h"

#define ANSWER_MS 30000

/* ---- telling the client ---- */

static void
write_iq(struct client *c, enum stanza_type type, struct buf *payload)
{
	struct stanza iq = {.kind = STANZA_IQ,
	    .type = (uint8_t)type,
	    .id = str_z(c->bind_id),
	    .payload = buf_str(payload)};

	xml_write_stanza(client_out(c), &iq);
	client_touch(c);
	buf_deinit(payload);
}

static void
refuse(struct client *c, enum stanza_error error)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;

	xw_init(&w, &payload, S(NS_CLIENT));
	xml_write_error(&w, error, S(""));
	write_iq(c, TYPE_ERROR, &payload);
	client_set_state(c, CLIENT_BIND);
}

static void
succeed(struct client *c, const struct rec_session *record)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;

	c->session = session_new(c->c2sd->daemon, record);
	xw_init(&w, &payload, S(NS_CLIENT));
	xw_open(&w, S(NS_BIND), S("bind"));
	xw_leaf(&w, S(""), "jid", record->jid);
	xw_close(&w);
	write_iq(c, TYPE_RESULT, &payload);
	client_set_state(c, CLIENT_SESSION);
	client_log(c, LOG_INFO, "session begins");
}

static enum stanza_error
error_of(uint8_t error)
{
	switch ((enum bus_error)error) {
	case BUS_ERROR_CONFLICT:
		return SE_CONFLICT;
	case BUS_ERROR_LIMIT:
		return SE_RESOURCE_CONSTRAINT;
	case BUS_ERROR_FORBIDDEN:
		return SE_NOT_ALLOWED;
	case BUS_ERROR_BAD_REQUEST:
		return SE_BAD_REQUEST;
	case BUS_ERROR_INTERNAL:
	case BUS_ERROR_NOT_FOUND:
	case BUS_ERROR_EXISTS:
	case BUS_ERROR_FULL:
	case BUS_ERROR_UNAVAILABLE:
	case BUS_ERROR_COUNT:
		break;
	}
	return SE_INTERNAL_SERVER_ERROR;
}

/* ---- sessiond answers ---- */

static void
on_bound(void *arg, const struct bus_in *in, const void *msg)
{
	struct client *c = arg;

	c->request = 0;
	if (in && in->message->type == MSG_BOUND_TO)
		succeed(c, &((const struct msg_BOUND_TO *)msg)->session);
	else if (in && in->message->type == MSG_FAILED)
		refuse(c, error_of(((const struct msg_FAILED *)msg)->error));
	else
		refuse(c, SE_INTERNAL_SERVER_ERROR);
	client_go_on(c);
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
	bool good = bind != NULL;

	*resource_r = S("");
	if (good && resource && !str_empty(resource->text))
		good = jid_prepare_resource(resource_r, buf, resource->text);
	arena_deinit(&arena);
	return good;
}

bool
bind_iq(struct client *c, const struct xml_element *e)
{
	struct endpoint to = c2sd_sessiond_of(c->c2sd, str_z(c->jid));
	struct msg_BIND m = {.conn = c->number, .ticket = c->ticket, .jid = str_z(c->jid)};
	struct jid_buf buf;

	/* Before a resource is bound nothing else may be asked (RFC 6120 §7.1). */
	if (!str_is(xml_element_attr(e, S(""), "type", NULL), "set") ||
	    !str_is(e->child_ns, NS_BIND)) {
		client_end(c, STREAM_NOT_AUTHORIZED, "bind first");
		return false;
	}
	free(c->bind_id);
	c->bind_id = str_dup(xml_element_attr(e, S(""), "id", NULL));
	if (!wished_resource(e, &buf, &m.resource) || !*c->bind_id) {
		refuse(c, SE_BAD_REQUEST);
		return true;
	}
	m.tls = c->tls != NULL;
	m.source = str_z(c->source_text);
	to.incarnation = 0;
	client_set_state(c, CLIENT_BIND_WAIT);
	c->request = bus_request(
	    c->c2sd->daemon->bus, &to, MSG_BIND, &m, NULL, NULL, ANSWER_MS, on_bound, c);
	return true;
}
