/* Server dialback (XEP-0220): the elements, in all four parts that a server can have.
 *
 *   initiating: we send <db:result>KEY</db:result> on a stream of ours and wait for the one verdict on it (dialback_begin, take_verdict)
 *   receiving: we get one, ask the authoritative server (verification.h) and tell the verdict (take_key)
 *   authoritative: we get <db:verify>KEY</db:verify> and say whether the key is ours (take_question)
 *
 * Answers are honoured only for what was asked, on the stream that it was asked on, once (INV-5). */
#include <stdio.h>

#include "attempt.h"
#include "dialback.h"
#include "key.h"
#include "names.h"
#include "pair.h"
#include "proof.h"
#include "verification.h"
#include "negotiate.h"

/* The pair that an element is about. */
struct about {
	struct jid_buf from_buf, to_buf;
	struct str from, to;
};

static bool
about_take(struct about *a, const struct xml_element *e)
{
	return jid_prepare_domain(&a->from, &a->from_buf, xml_element_attr(e, S(""), "from", NULL)) &&
	    jid_prepare_domain(&a->to, &a->to_buf, xml_element_attr(e, S(""), "to", NULL));
}

static struct str
type_of(const struct xml_element *e)
{
	return xml_element_attr(e, S(""), "type", NULL);
}

static bool
unsolicited(struct stream *s)
{
	stream_end(s, STREAM_POLICY_VIOLATION, "a dialback answer that nobody has asked for");
	return false;
}

/* ---- initiating ---- */

void
dialback_begin(struct stream *s)
{
	struct key_names names = {
	    .receiving = str_z(s->remote), .originating = str_z(s->local), .id = str_z(s->id)};
	struct buf *out = wire_out(&s->wire);
	char key[KEY_HEX + 1];

	key_make(key, s2sd_secret(s->s2sd, str_z(s->local)), &names);
	buf_add_z(out, "<db:result from='");
	xml_escape(out, str_z(s->local));
	buf_add_z(out, "' to='");
	xml_escape(out, str_z(s->remote));
	buf_printf(out, "'>%s</db:result>", key);
	stream_set_state(s, S2S_DIALBACK);
	stream_touch(s);
}

static bool
take_verdict(struct stream *s, const struct xml_element *e, const struct about *a)
{
	char name[64];

	if (!str_is(a->from, s->remote) || !str_is(a->to, s->local))
		return unsolicited(s);
	if (str_is(type_of(e), "valid")) {
		stream_is_known(s);
		attempt_ready(s->attempt);
		return true;
	}
	log_escape(name, sizeof(name), type_of(e));
	snprintf(s->reason, sizeof(s->reason), "dialback: the other side says %s", name);
	stream_log(s, LOG_INFO, "%s", s->reason);
	stream_end(s, STREAM_OK, NULL);
	return false;
}

/* ---- receiving ---- */

void
dialback_write(struct stream *s, const char *what, const struct proof_names *n, const char *type)
{
	struct buf *out = wire_out(&s->wire);

	buf_printf(out, "<db:%s from='", what);
	xml_escape(out, n->local);
	buf_add_z(out, "' to='");
	xml_escape(out, n->remote);
	if (!str_empty(n->id)) {
		buf_add_z(out, "' id='");
		xml_escape(out, n->id);
	}
	buf_printf(out, "' type='%s'", type);
	if (n->error == SE_NONE) {
		buf_add_z(out, "/>");
	} else {
		struct xml_writer w;

		buf_add_c(out, '>');
		xw_init(&w, out, S(NS_SERVER));
		xml_write_error(&w, n->error, S(""));
		buf_printf(out, "</db:%s>", what);
	}
	stream_touch(s);
}

static bool
refuse_key(struct stream *s, const struct about *a, enum stanza_error error)
{
	struct proof_names n = {.local = a->to, .remote = a->from, .error = error};

	stream_log(s, LOG_INFO, "dialback for %.*s to %.*s is refused: %s", STR_ARG(a->from),
	    STR_ARG(a->to), stanza_error_name(error));
	dialback_write(s, "result", &n, "error");
	if (++s->failures >= FAILURES_MAX)
		stream_end(s, STREAM_POLICY_VIOLATION, "too many failures");
	return s->state != S2S_CLOSING;
}

static enum stanza_error
check_key(const struct stream *s, const struct about *a)
{
	const struct s2sd_settings *set = s2sd_settings(s->s2sd);
	enum policy policy = policy_of(set, a->to, a->from);

	if (!s2sd_is_local(s->s2sd, a->to) || !policy_serves(set, a->to))
		return SE_ITEM_NOT_FOUND;
	if (!policy_admits(set, a->from))
		return SE_NOT_ALLOWED;
	if (!s->wire.tls && policy_wants_tls(policy))
		return SE_POLICY_VIOLATION;
	if (policy == POLICY_REQUIRED_VERIFIED && !external_is_proved(s, a->from, NULL))
		return SE_NOT_AUTHORIZED;
	return SE_NONE;
}

/* A certificate says at once what the authoritative server would say. */
static void
prove(struct stream *s, struct proof *p, const struct about *a, struct str key)
{
	struct proof_names n = {.local = a->to, .remote = a->from};

	if (!external_is_proved(s, a->from, NULL)) {
		verification_new(s, p, key);
		return;
	}
	proof_is_valid(s, p);
	dialback_write(s, "result", &n, "valid");
	pair_offer(s->s2sd, s, a->to, a->from);
}

static bool
take_key(struct stream *s, const struct xml_element *e, const struct about *a)
{
	struct proof_names n = {.local = a->to, .remote = a->from};
	struct proof *p = proof_find(s, a->to, a->from);
	enum stanza_error error = check_key(s, a);

	if (s2sd_is_local(s->s2sd, a->from)) {
		stream_end(s, STREAM_INVALID_FROM, NULL);
		return false;
	}
	if (error != SE_NONE)
		return refuse_key(s, a, error);
	if (p && p->state == PROOF_VALID) {
		dialback_write(s, "result", &n, "valid");
		return true;
	}
	if (p) {
		stream_end(s, STREAM_POLICY_VIOLATION, "a second key before the first was judged");
		return false;
	}
	p = proof_new(s, a->to, a->from);
	if (!p)
		return refuse_key(s, a, SE_RESOURCE_CONSTRAINT);
	prove(s, p, a, str_trim(e->payload));
	return s->state != S2S_CLOSING;
}

void
dialback_judge(struct stream *s, struct proof *p, const struct verdict *v)
{
	struct proof_names n = {.local = str_z(p->local), .remote = str_z(p->remote)};

	if (v->is_valid) {
		proof_is_valid(s, p);
		dialback_write(s, "result", &n, "valid");
		pair_offer(s->s2sd, s, str_z(p->local), str_z(p->remote));
		return;
	}
	stream_log(s, v->error == SE_NONE ? LOG_WARN : LOG_INFO,
	    "%s does not prove itself to %s: %s", p->remote, p->local, v->why);
	n.error = v->error;
	if (v->error == SE_NONE && proof_any(s))
		n.error = SE_FORBIDDEN; /* the other pairs of the stream stay */
	dialback_write(s, "result", &n, n.error == SE_NONE ? "invalid" : "error");
	proof_free(p);
	if (n.error == SE_NONE)
		stream_end(s, STREAM_OK, NULL);
	else if (++s->failures >= FAILURES_MAX)
		stream_end(s, STREAM_POLICY_VIOLATION, "too many failures");
}

/* ---- authoritative ---- */

static bool
take_question(struct stream *s, const struct xml_element *e, const struct about *a)
{
	struct str id = xml_element_attr(e, S(""), "id", NULL);
	struct proof_names n = {.local = a->to, .remote = a->from, .id = id};
	struct key_names names = {.receiving = a->from, .originating = a->to, .id = id};
	bool is_right;

	if (!s2sd_is_local(s->s2sd, a->to))
		n.error = SE_ITEM_NOT_FOUND;
	else if (!s->wire.tls && policy_wants_tls(policy_of(s2sd_settings(s->s2sd), a->to, a->from)))
		n.error = SE_POLICY_VIOLATION;
	if (n.error != SE_NONE) {
		dialback_write(s, "verify", &n, "error");
		return true;
	}
	is_right = key_is_right(str_trim(e->payload), s2sd_secret(s->s2sd, a->to), &names);
	if (!is_right)
		stream_log(s, LOG_WARN, "%.*s asks about a key of %.*s that is not ours",
		    STR_ARG(a->from), STR_ARG(a->to));
	dialback_write(s, "verify", &n, is_right ? "valid" : "invalid");
	return true;
}

/* ---- both elements ---- */

#define KEY_MAX 256 /* bytes of a key: others make theirs as they like */

static bool
take_about(struct stream *s, const struct xml_element *e, struct about *a)
{
	bool is_request = str_empty(type_of(e));

	if (!about_take(a, e))
		stream_end(s, STREAM_IMPROPER_ADDRESSING, NULL);
	else if (is_request && (e->n_children > 0 || e->payload.n > KEY_MAX))
		stream_end(s, STREAM_BAD_FORMAT, "that is no key");
	return s->state != S2S_CLOSING;
}

bool
dialback_result(struct stream *s, const struct xml_element *e)
{
	struct about a;

	if (!take_about(s, e, &a))
		return false;
	if (s->is_out)
		return take_verdict(s, e, &a);
	return str_empty(type_of(e)) ? take_key(s, e, &a) : unsolicited(s);
}

bool
dialback_verify(struct stream *s, const struct xml_element *e)
{
	struct about a;

	if (!take_about(s, e, &a))
		return false;
	if (s->is_out)
		return s->verification ? verification_answer(s, e) : unsolicited(s);
	return str_empty(type_of(e)) ? take_question(s, e, &a) : unsolicited(s);
}
