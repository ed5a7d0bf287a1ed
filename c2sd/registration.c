/* XEP-0077 §3.1: an account is made on a stream that has not authenticated, where the suite allows it and behind TLS. authd decides;
 * the password goes to it sealed. The account is of the domain that the stream is for. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "links.h"
#include "names.h"
#include "negotiate.h"
#include "xml/tree.h"
#include "xml/writer.h"

#define PASSWORD_MAX (4096 - SEAL_OVERHEAD) /* as messages.def has it for what is sealed */

bool
registration_is_open(const struct client *c)
{
	return c->c2sd->daemon->suite.registration && c->wire.tls;
}

/* ---- answers ---- */

static void
write_iq(struct client *c, enum stanza_type type, struct str payload)
{
	struct stanza iq = {.kind = STANZA_IQ,
	    .type = (uint8_t)type,
	    .from = str_z(c->nego->domain),
	    .id = str_z(c->nego->bind_id),
	    .lang = str_z(texts_tag(c->speaks)),
	    .payload = payload};

	xml_write_stanza(wire_out(&c->wire), &iq);
	client_touch(c);
}

static void
refuse(struct client *c, enum stanza_error error)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;

	xw_init(&w, &payload, S(NS_CLIENT));
	xml_write_error(&w, error, S(""));
	write_iq(c, TYPE_ERROR, buf_str(&payload));
	buf_deinit(&payload);
	if (++c->nego->failures >= (unsigned)c2sd_settings(c->c2sd)->auth_failures)
		client_end(c, STREAM_POLICY_VIOLATION, "too many attempts");
}

static enum stanza_error
error_of(const struct bus_in *in, const void *msg)
{
	if (!in || in->message->type != MSG_FAILED)
		return SE_RESOURCE_CONSTRAINT;
	switch ((enum bus_error)((const struct msg_FAILED *)msg)->error) {
	case BUS_ERROR_EXISTS:
	case BUS_ERROR_CONFLICT:
		return SE_CONFLICT;
	case BUS_ERROR_BAD_REQUEST:
	case BUS_ERROR_NOT_ACCEPTABLE:
		return SE_NOT_ACCEPTABLE;
	case BUS_ERROR_FORBIDDEN:
		return SE_NOT_ALLOWED;
	case BUS_ERROR_LIMIT:
	case BUS_ERROR_UNAVAILABLE:
	case BUS_ERROR_FULL:
		return SE_RESOURCE_CONSTRAINT;
	case BUS_ERROR_INTERNAL:
	case BUS_ERROR_NOT_FOUND:
	case BUS_ERROR_COUNT:
		break;
	}
	return SE_INTERNAL_SERVER_ERROR;
}

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	struct c2sd *d;
	uint64_t number;
	struct client *c = bind_waited(arg, &d, &number);

	if (!c)
		return;
	client_set_state(c, CLIENT_FEATURES);
	if (in && in->message->type == MSG_DONE)
		write_iq(c, TYPE_RESULT, S(""));
	else
		refuse(c, error_of(in, msg));
	client_answered(c);
}

/* ---- requests ---- */

static void
write_form(struct client *c)
{
	struct buf payload = {.data = NULL};
	struct xml_writer w;

	xw_init(&w, &payload, S(NS_CLIENT));
	xw_open(&w, S(NS_REGISTER), S("query"));
	xw_leaf(
	    &w, S(""), "instructions", str_z(texts_in(c->speaks, "Choose a name and a password.")));
	xw_leaf(&w, S(""), "username", S(""));
	xw_leaf(&w, S(""), "password", S(""));
	xw_close(&w);
	write_iq(c, TYPE_RESULT, buf_str(&payload));
	buf_deinit(&payload);
}

static struct str
field(const struct xml_node *query, const char *name)
{
	const struct xml_node *n = query ? xml_child(query, NS_REGISTER, name) : NULL;

	return n ? n->text : S("");
}

static void
ask(struct client *c, struct str jid, struct str password)
{
	struct buf sealed = {.data = NULL};
	struct msg_REGISTER m = {.conn = c->number, .jid = jid, .source = str_z(c->visitor.address)};
	struct endpoint authd;

	if (!links_authd(c->c2sd, &authd)) {
		refuse(c, SE_RESOURCE_CONSTRAINT);
		return;
	}
	seal_close(&c->c2sd->seal, password, &sealed);
	m.password = buf_str(&sealed);
	bus_request(
	    c2sd_bus(c->c2sd), &authd, MSG_REGISTER, &m, NULL, NULL, 0, on_answer, bind_wait(c));
	buf_deinit(&sealed);
}

static void
make_account(struct client *c, const struct xml_node *query)
{
	struct str name = field(query, "username"), password = field(query, "password"), local;
	struct jid_buf buf, full;
	char *address;

	/* XEP-0077 §3.1.1 */
	if (str_empty(name) || str_empty(password) || password.n > PASSWORD_MAX ||
	    !jid_prepare_local(&local, &buf, name)) {
		refuse(c, SE_NOT_ACCEPTABLE);
		return;
	}
	address = full.text;
	memcpy(address, local.p, local.n);
	address[local.n] = '@';
	memcpy(address + local.n + 1, c->nego->domain, strlen(c->nego->domain));
	ask(c, str_of(address, local.n + 1 + strlen(c->nego->domain)), password);
}

/* Anything else is as where there is no registration: RFC 6120 §6.3.1. */
bool
registration_iq(struct client *c, const struct xml_element *e)
{
	struct str type = xml_element_attr(e, S(""), "type", NULL);
	struct arena arena = {.blocks = NULL};
	bool is_get = str_is(type, "get"), is_set = str_is(type, "set");

	if (!registration_is_open(c) || !(is_get || is_set) || !str_is(e->child_ns, NS_REGISTER)) {
		client_end(c, STREAM_NOT_AUTHORIZED, NULL);
		return false;
	}
	free(c->nego->bind_id);
	c->nego->bind_id = str_dup(xml_element_attr(e, S(""), "id", NULL));
	if (is_get)
		write_form(c);
	else
		make_account(c,
		    xml_find(xml_tree_parse(&arena, e->payload, S(NS_CLIENT)), NS_REGISTER, "query"));
	arena_deinit(&arena);
	return c->state != CLIENT_CLOSING;
}
