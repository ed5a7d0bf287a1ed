/* SASL on the wire (RFC 6120 §6): framing here, everything else at authd. One exchange at a time: it is authd's turn in SASL_WAIT
 * (or its verdict waits to be told), the client's in SASL. */
#include <stdlib.h>

#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "links.h"
#include "names.h"
#include "negotiate.h"

#define ANSWER_MS 30000
#define SASL_DATA_MAX (16384 - SEAL_OVERHEAD) /* as messages.def has it for what is sealed */

static void on_answer(void *arg, const struct bus_in *in, const void *msg);

/* What authd has decided, opened. */
struct verdict {
	enum auth_outcome outcome;
	enum sasl_condition condition;
	bool has_data;
	struct buf data;
	char *jid;
	struct id128 ticket;
};

static void
verdict_deinit(struct verdict *v)
{
	buf_deinit_secret(&v->data);
	free(v->jid);
	secret_wipe(&v->ticket, sizeof(v->ticket));
}

static void
verdict_free(struct verdict **vp)
{
	struct verdict *v = *vp;

	*vp = NULL;
	if (!v)
		return;
	verdict_deinit(v);
	free(v);
}

/* ---- telling the client ---- */

static void
write_with_data(struct client *c, const char *name, bool has_data, struct str data)
{
	struct buf *out = wire_out(&c->wire);

	buf_printf(out, "<%s xmlns='" NS_SASL "'>", name);
	if (has_data && str_empty(data))
		buf_add_c(out, '=');
	else if (has_data)
		enc_base64(out, data);
	buf_printf(out, "</%s>", name);
	client_touch(c);
}

/* False: that was one too many, and the stream has ended (RFC 6120 §6.4.5). */
static bool
count_failure(struct client *c)
{
	if (++c->nego->failures < (unsigned)c2sd_settings(c->c2sd)->auth_failures)
		return true;
	client_end(c, STREAM_POLICY_VIOLATION, "too many failed authentications");
	return false;
}

static void
fail(struct client *c, enum sasl_condition condition)
{
	client_set_state(c, CLIENT_FEATURES);
	buf_printf(wire_out(&c->wire), "<failure xmlns='" NS_SASL "'><%s/></failure>",
	    sasl_condition_name(condition));
	client_touch(c);
	if (c->state != CLIENT_CLOSING && count_failure(c))
		client_answered(c);
}

/* What came before the client could know of its success belongs to no stream (INV-9). */
static bool
has_data_behind(const struct client *c)
{
	return wire_has_unread(&c->wire) || !xml_reader_is_between(c->reader);
}

/* The stream starts anew; what is kept is TLS, the identity and the domain (C-6). Who the client has said it is, under TLS, it
 * must be (RFC 6120 §6.4.6). */
static void
succeed(struct client *c, struct verdict *v)
{
	if (has_data_behind(c)) {
		client_end(c, STREAM_POLICY_VIOLATION, "data behind the end of authentication");
		return;
	}
	if (c->nego->said && !str_is(str_z(c->nego->said), v->jid)) {
		client_end(c, STREAM_INVALID_FROM, NULL);
		return;
	}
	write_with_data(c, "success", v->has_data, buf_str(&v->data));
	if (c->state == CLIENT_CLOSING)
		return;
	c->nego->jid = v->jid;
	v->jid = NULL;
	c->nego->ticket = v->ticket;
	client_set_state(c, CLIENT_HEADER);
	stream_restart(c);
	client_log(c, LOG_DEBUG, "authenticated");
	client_answered(c);
}

static void
challenge(struct client *c, struct str data)
{
	client_set_state(c, CLIENT_SASL);
	write_with_data(c, "challenge", true, data);
	client_answered(c);
}

static void
carry_out(struct client *c, struct verdict *v)
{
	switch (v->outcome) {
	case AUTH_CHALLENGE:
		challenge(c, buf_str(&v->data));
		return;
	case AUTH_SUCCESS:
		succeed(c, v);
		return;
	case AUTH_FAILURE:
	case AUTH_OUTCOME_COUNT:
		break;
	}
	client_log(c, LOG_DEBUG, "authentication failed: %s", sasl_condition_name(v->condition));
	fail(c, v->condition);
}

void
sasl_tell(struct client *c)
{
	struct verdict *v = c->nego->verdict;

	c->nego->verdict = NULL;
	carry_out(c, v);
	verdict_free(&v);
}

/* A source that has failed often waits for every answer, right or wrong; it has that time on top. */
static void
hold_back(struct client *c, struct verdict *v, uint32_t wait_ms)
{
	c->nego->verdict = mem_dup(v, sizeof(*v));
	c->nego->deadline_ms += wait_ms;
	client_set_deadline(c, c2sd_now_ms(c->c2sd) + wait_ms);
}

/* ---- asking authd ---- */

static void
ask(struct client *c, const struct endpoint *authd, enum msg_type type, void *msg)
{
	client_set_state(c, CLIENT_SASL_WAIT);
	wire_pause(&c->wire, PAUSE_ANSWER);
	c->nego->authd = authd->incarnation;
	c->nego->request =
	    bus_request(c2sd_bus(c->c2sd), authd, type, msg, NULL, NULL, ANSWER_MS, on_answer, c);
}

/* A client whose only channel binding is one that TLS 1.3 does not have (tls-unique) tries -PLUS with it, fails, and then says
 * "y" (I could, you cannot): an older slixmpp, for example. It has seen our -PLUS mechanisms, so its "y" is no sign that somebody
 * took them out of the list; authd is told. Somebody in between could make such an attempt in a client's name: hence the setting. */
static void
note_binding(struct client *c, struct str first)
{
	struct str type, rest;

	if (!str_starts(first, S("p=")) || !str_split(str_from(first, 2), ',', &type, &rest))
		return;
	c->nego->lacks_binding = c2sd_settings(c->c2sd)->forgive_unknown_binding &&
	    !str_is(type, "tls-exporter") && !str_is(type, "tls-server-end-point");
}

/* The base64 content of an element (nothing of which is ever escaped), decoded and sealed; "=" is none. */
static enum sasl_condition
take_data(struct client *c, const struct xml_element *e, struct buf *sealed)
{
	struct buf plain = {.data = NULL};
	enum sasl_condition wrong = SASL_NONE;

	if (e->n_children > 0 || e->payload.n / 4 * 3 > SASL_DATA_MAX)
		wrong = SASL_MALFORMED_REQUEST;
	else if (!str_empty(e->payload) && !str_is(e->payload, "=") &&
	    !dec_base64(&plain, e->payload))
		wrong = SASL_INCORRECT_ENCODING;
	else
		seal_close(&c->c2sd->seal, buf_str(&plain), sealed);
	if (c->state == CLIENT_FEATURES)
		note_binding(c, buf_str(&plain));
	buf_deinit_secret(&plain);
	return wrong;
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

/* Only what this stream was offered (INV-7, INV-8). */
static enum sasl_condition
check_mechanism(const struct client *c, struct str offered, struct str mechanism)
{
	if (!features_has_sasl(c) || (!c->wire.tls && str_is(mechanism, "PLAIN")))
		return SASL_ENCRYPTION_REQUIRED;
	return is_offered(offered, mechanism) ? SASL_NONE : SASL_INVALID_MECHANISM;
}

static void
start(struct client *c, const struct endpoint *authd, struct msg_AUTH_START *m)
{
	struct buf exporter = {.data = NULL}, end_point = {.data = NULL}, certified = {.data = NULL};

	if (str_is(m->mechanism, "EXTERNAL"))
		external_accounts(c, &certified);
	m->certified = buf_str(&certified);
	if (c->wire.tls && tls_channel_exporter(c->wire.tls, &exporter))
		m->exporter = buf_str(&exporter);
	if (c->wire.tls && tls_channel_end_point(c->wire.tls, &end_point))
		m->end_point = buf_str(&end_point);
	m->conn = c->number;
	m->domain = str_z(c->nego->domain);
	m->tls = c->wire.tls != NULL;
	m->tried_other = c->nego->lacks_binding;
	m->source = str_z(c->visitor.address);
	ask(c, authd, MSG_AUTH_START, m);
	buf_deinit_secret(&exporter);
	buf_deinit(&end_point);
	buf_deinit(&certified);
}

/* One that is under way is given up for a new one (RFC 6120 §6.4.2): a failed try as any other. */
static bool
give_up(struct client *c)
{
	sasl_forget(c);
	client_set_state(c, CLIENT_FEATURES);
	return count_failure(c);
}

/* What authd has decided and is yet to be told stays so: it is not had sooner by another try. */
bool
sasl_auth(struct client *c, const struct xml_element *e)
{
	struct buf sealed = {.data = NULL}, offered = {.data = NULL};
	struct msg_AUTH_START m = {.mechanism = xml_element_attr(e, S(""), "mechanism", NULL)};
	struct endpoint authd;
	enum sasl_condition wrong;

	if (c->nego->verdict)
		return true;
	if (c->state != CLIENT_FEATURES && !give_up(c))
		return false;
	features_mechanisms(c, &offered);
	wrong = check_mechanism(c, buf_str(&offered), m.mechanism);
	if (wrong == SASL_NONE && !links_authd(c->c2sd, &authd))
		wrong = SASL_TEMPORARY_AUTH_FAILURE;
	if (wrong == SASL_NONE)
		wrong = take_data(c, e, &sealed);
	if (wrong != SASL_NONE) {
		fail(c, wrong);
	} else {
		m.has_initial = !str_empty(e->payload);
		m.initial = buf_str(&sealed);
		m.offered = buf_str(&offered);
		start(c, &authd, &m);
	}
	buf_deinit(&sealed);
	buf_deinit(&offered);
	return true;
}

bool
sasl_response(struct client *c, const struct xml_element *e)
{
	struct buf sealed = {.data = NULL};
	struct msg_AUTH_NEXT m = {.conn = c->number};
	struct endpoint authd;
	enum sasl_condition wrong;

	if (!links_authd(c->c2sd, &authd) || authd.incarnation != c->nego->authd)
		wrong = SASL_TEMPORARY_AUTH_FAILURE;
	else
		wrong = take_data(c, e, &sealed);
	if (wrong != SASL_NONE) {
		sasl_forget(c);
		fail(c, wrong);
	} else {
		m.data = buf_str(&sealed);
		ask(c, &authd, MSG_AUTH_NEXT, &m);
	}
	buf_deinit(&sealed);
	return true;
}

void
sasl_forget(struct client *c)
{
	struct msg_AUTH_ABORT m = {.conn = c->number};
	struct endpoint authd;

	if (c->state != CLIENT_SASL && c->state != CLIENT_SASL_WAIT)
		return;
	verdict_free(&c->nego->verdict);
	if (!c2sd_bus(c->c2sd))
		return;
	if (c->nego->request)
		bus_cancel(c2sd_bus(c->c2sd), c->nego->request);
	c->nego->request = 0;
	if (links_authd(c->c2sd, &authd) && authd.incarnation == c->nego->authd)
		bus_send(c2sd_bus(c->c2sd), &authd, MSG_AUTH_ABORT, &m, NULL, NULL, 0);
}

/* An answer that waits is not had sooner by giving up. */
bool
sasl_abort(struct client *c, const struct xml_element *e)
{
	(void)e;
	if (c->nego->verdict)
		return true;
	sasl_forget(c);
	fail(c, SASL_ABORTED);
	return true;
}

/* ---- authd answers ---- */

static bool
open_verdict(struct client *c, const struct msg_AUTH_ANSWER *m, struct verdict *v)
{
	*v = (struct verdict){.outcome = (enum auth_outcome)m->outcome,
	    .condition = (enum sasl_condition)m->condition,
	    .has_data = m->has_data,
	    .ticket = m->ticket};
	if (m->has_data && !seal_open(&c->c2sd->seal, m->data, &v->data))
		return false;
	v->jid = str_dup(m->jid);
	return true;
}

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	struct client *c = arg;
	const struct msg_AUTH_ANSWER *m = msg;
	struct verdict v = {.jid = NULL};

	c->nego->request = 0;
	if (!in || in->message->type != MSG_AUTH_ANSWER || !open_verdict(c, m, &v)) {
		fail(c, SASL_TEMPORARY_AUTH_FAILURE);
	} else if (m->wait_ms > 0) {
		hold_back(c, &v, m->wait_ms);
		return;
	} else {
		carry_out(c, &v);
	}
	verdict_deinit(&v);
}
