/* SASL on the wire (RFC 6120 §6): framing here, everything else at authd. One exchange at a time; it is open at authd while
 * `request` is set, or while the state is SASL. */
#include <stdlib.h>

#include "base/enc.h"
#include "base/log.h"
#include "client.h"
#include "names.h"
#include "xml/writer.h"

#define ANSWER_MS 30000

static void on_answer(void *arg, const struct bus_in *in, const void *msg);

/* ---- telling the client ---- */

static void
write_with_data(struct client *c, const char *name, bool has_data, struct str data)
{
	struct buf *out = client_out(c);

	buf_printf(out, "<%s xmlns='" NS_SASL "'>", name);
	if (has_data && str_empty(data))
		buf_add_c(out, '=');
	else if (has_data)
		enc_base64(out, data);
	buf_printf(out, "</%s>", name);
	client_touch(c);
}

void
sasl_tell(struct client *c)
{
	enum sasl_condition verdict = c->verdict;

	c->verdict = SASL_NONE;
	buf_printf(client_out(c), "<failure xmlns='" NS_SASL "'><%s/></failure>",
	    sasl_condition_name(verdict));
	client_touch(c);
	c->deadline_ms = c->preauth_deadline_ms;
	client_set_state(c, CLIENT_FEATURES);
	if (++c->failures >= (unsigned)c2sd_settings(c->c2sd)->auth_failures)
		client_end(c, STREAM_POLICY_VIOLATION, "too many failed authentications");
	else
		client_go_on(c);
}

static void
fail(struct client *c, enum sasl_condition condition, uint32_t wait_ms)
{
	uint64_t now = loop_now_ms(c->c2sd->daemon->loop);

	c->verdict = condition;
	if (!wait_ms) {
		sasl_tell(c);
		return;
	}
	/* The client waits; so does its deadline. */
	client_set_state(c, CLIENT_SASL_WAIT);
	c->deadline_ms = now + wait_ms;
	if (c->preauth_deadline_ms < c->deadline_ms)
		c->preauth_deadline_ms = c->deadline_ms + 1000;
}

/* ---- asking authd ---- */

static void
ask(struct client *c, const struct endpoint *authd, enum msg_type type, void *msg)
{
	client_set_state(c, CLIENT_SASL_WAIT);
	c->request = bus_request(
	    c->c2sd->daemon->bus, authd, type, msg, NULL, NULL, ANSWER_MS, on_answer, c);
}

/* A client whose only channel binding is one that TLS 1.3 does not have (tls-unique) tries -PLUS with it, fails, and then says
 * "y" (I could, you cannot): an older slixmpp, for example. It has seen our -PLUS mechanisms, so its "y" is no sign that somebody
 * took them out of the list, and they are offered to it no more. */
static void
note_binding(struct client *c, struct str first)
{
	struct str flag, rest;

	if (!str_starts(first, S("p=")) || !str_split(str_from(first, 2), ',', &flag, &rest))
		return;
	c->lacks_binding = !str_is(flag, "tls-exporter") && !str_is(flag, "tls-server-end-point");
}

/* The base64 content of an element, decoded and sealed. SASL_NONE, or what is wrong. */
static enum sasl_condition
take_data(struct client *c, const struct xml_element *e, bool *has_r, struct buf *sealed)
{
	struct buf plain = {.data = NULL};
	struct str text = e->payload; /* of base64 nothing is ever escaped */
	enum sasl_condition result = SASL_NONE;

	*has_r = !str_empty(text);
	if (e->n_children || (*has_r && !str_is(text, "=") && !dec_base64(&plain, text)))
		result = SASL_INCORRECT_ENCODING;
	else
		seal_close(&c->c2sd->seal, buf_str(&plain), sealed);
	if (str_is(e->name, "auth"))
		note_binding(c, buf_str(&plain));
	buf_deinit_secret(&plain);
	return result;
}

static bool
is_offered(struct str offered, struct str mechanism)
{
	struct str one;

	while (!str_empty(offered)) {
		str_split(offered, ' ', &one, &offered);
		if (str_eq(one, mechanism))
			return true;
	}
	return false;
}

static void
start(struct client *c, const struct endpoint *authd, struct msg_AUTH_START *m)
{
	struct buf exporter = {.data = NULL}, end_point = {.data = NULL};

	if (c->tls && tls_channel_exporter(c->tls, &exporter))
		m->exporter = buf_str(&exporter);
	if (c->tls && tls_channel_end_point(c->tls, &end_point))
		m->end_point = buf_str(&end_point);
	m->conn = c->number;
	m->domain = str_z(c->domain);
	m->tls = c->tls != NULL;
	m->source = str_z(c->source_text);
	ask(c, authd, MSG_AUTH_START, m);
	buf_deinit(&exporter);
	buf_deinit(&end_point);
}

bool
sasl_auth(struct client *c, const struct xml_element *e)
{
	struct buf sealed = {.data = NULL}, offered = {.data = NULL};
	struct msg_AUTH_START m = {.mechanism = xml_element_attr(e, S(""), "mechanism", NULL)};
	struct endpoint authd;
	enum sasl_condition wrong = SASL_NONE;

	features_mechanisms(c, &offered);
	if (!c->tls && c->gate->settings.tls == LISTENER_REQUIRED)
		wrong = SASL_ENCRYPTION_REQUIRED;
	else if (!is_offered(buf_str(&offered), m.mechanism))
		wrong = SASL_INVALID_MECHANISM;
	else if (!c2sd_authd(c->c2sd, &authd))
		wrong = SASL_TEMPORARY_AUTH_FAILURE;
	else
		wrong = take_data(c, e, &m.has_initial, &sealed);
	if (wrong != SASL_NONE) {
		fail(c, wrong, 0);
	} else {
		m.initial = buf_str(&sealed);
		m.offered = buf_str(&offered);
		start(c, &authd, &m);
	}
	buf_deinit(&sealed);
	buf_deinit(&offered);
	return c->state != CLIENT_CLOSING;
}

bool
sasl_response(struct client *c, const struct xml_element *e)
{
	struct buf sealed = {.data = NULL};
	struct msg_AUTH_NEXT m = {.conn = c->number};
	struct endpoint authd;
	bool has;
	enum sasl_condition wrong;

	if (!c2sd_authd(c->c2sd, &authd)) {
		fail(c, SASL_TEMPORARY_AUTH_FAILURE, 0);
		return c->state != CLIENT_CLOSING;
	}
	wrong = take_data(c, e, &has, &sealed);
	if (wrong != SASL_NONE) {
		sasl_forget(c);
		fail(c, wrong, 0);
	} else {
		m.data = buf_str(&sealed);
		ask(c, &authd, MSG_AUTH_NEXT, &m);
	}
	buf_deinit(&sealed);
	return c->state != CLIENT_CLOSING;
}

void
sasl_forget(struct client *c)
{
	struct msg_AUTH_ABORT m = {.conn = c->number};
	struct endpoint authd;

	if (c->state != CLIENT_SASL && c->state != CLIENT_SASL_WAIT)
		return;
	if (c->request)
		bus_cancel(c->c2sd->daemon->bus, c->request);
	c->request = 0;
	if (c2sd_authd(c->c2sd, &authd))
		bus_send(c->c2sd->daemon->bus, &authd, MSG_AUTH_ABORT, &m, NULL, NULL, 0);
}

bool
sasl_abort(struct client *c, const struct xml_element *e)
{
	(void)e;
	sasl_forget(c);
	fail(c, SASL_ABORTED, 0);
	return c->state != CLIENT_CLOSING;
}

/* ---- authd answers ---- */

/* The stream starts anew; what is kept is TLS, the identity and the domain (C-6). */
static void
succeed(struct client *c, const struct msg_AUTH_ANSWER *m, struct str data)
{
	struct xml_limits limits;

	write_with_data(c, "success", m->has_data, data);
	free(c->jid);
	c->jid = str_dup(m->jid);
	c->ticket = m->ticket;
	limits = client_limits(c);
	xml_reader_set_limits(c->reader, &limits);
	xml_reader_reset(c->reader);
	c->has_header = false;
	client_set_state(c, CLIENT_HEADER);
	client_log(c, LOG_INFO, "authenticated");
}

static void
take_answer(struct client *c, const struct msg_AUTH_ANSWER *m)
{
	struct buf data = {.data = NULL};

	if (m->has_data && !seal_open(&c->c2sd->seal, m->data, &data)) {
		fail(c, SASL_TEMPORARY_AUTH_FAILURE, 0);
	} else if (m->outcome == AUTH_FAILURE) {
		client_log(
		    c, LOG_INFO, "authentication failed: %s", sasl_condition_name(m->condition));
		fail(c, m->condition, m->wait_ms);
	} else if (m->outcome == AUTH_SUCCESS) {
		succeed(c, m, buf_str(&data));
	} else {
		write_with_data(c, "challenge", true, buf_str(&data));
		client_set_state(c, CLIENT_SASL);
	}
	buf_deinit_secret(&data);
}

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	struct client *c = arg;

	c->request = 0;
	if (in && in->message->type == MSG_AUTH_ANSWER)
		take_answer(c, msg);
	else
		fail(c, SASL_TEMPORARY_AUTH_FAILURE, 0);
	client_go_on(c);
}
