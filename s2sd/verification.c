/* See verification.h.
 *
 *   new ──attempt.h──▶ asked ──valid, invalid, error──▶ told, freed         any ──failed, the stream ends──▶ told, freed */
#include "verification.h"

#include <stdio.h>
#include <stdlib.h>

#include "attempt.h"
#include "base/mem.h"
#include "dialback.h"
#include "names.h"

struct verification {
	struct stream *in; /* the stream of the proof */
	struct proof *proof;
	struct attempt *attempt;
	struct stream *out; /* where it was asked */
	char *key,
	    *id; /* as it came, in canonical form; the id of `in`, which may begin anew meanwhile */
};

void
verification_free(struct verification **vp)
{
	struct verification *v = *vp;

	*vp = NULL;
	if (!v)
		return;
	v->proof->verification = NULL;
	attempt_free(&v->attempt);
	if (v->out) {
		v->out->verification = NULL;
		stream_end(v->out, STREAM_OK, NULL);
	}
	free(v->key);
	free(v->id);
	free(v);
}

static void
tell(struct verification *v, const struct verdict *verdict)
{
	struct stream *in = v->in;
	struct proof *p = v->proof;

	verification_free(&p->verification);
	dialback_judge(in, p, verdict);
}

static void
on_ready(void *ctx, struct stream *s)
{
	struct verification *v = ctx;
	struct buf *out = wire_out(&s->wire);

	v->attempt = NULL;
	v->out = s;
	s->verification = v;
	buf_add_z(out, "<db:verify from='");
	xml_escape(out, str_z(v->proof->local));
	buf_add_z(out, "' to='");
	xml_escape(out, str_z(v->proof->remote));
	buf_printf(out, "' id='%s'>%s</db:verify>", v->id, v->key);
	s->deadline_ms = s2sd_now_ms(s->s2sd) + (uint64_t)s2sd_settings(s->s2sd)->setup_ms;
	stream_touch(s);
}

static void
on_failed(void *ctx, enum stanza_error error, const char *why)
{
	struct verification *v = ctx;
	struct verdict verdict = {.error = error, .why = why};

	v->attempt = NULL;
	tell(v, &verdict);
}

static const struct attempt_events events = {.ready = on_ready, .failed = on_failed};

void
verification_new(struct stream *s, struct proof *p, struct str key)
{
	struct verification *v = NEW(struct verification);
	struct attempt_for f = {.local = str_z(p->local),
	    .remote = str_z(p->remote),
	    .is_verification = true,
	    .events = &events,
	    .ctx = v};

	v->in = s;
	v->proof = p;
	v->key = str_dup(key);
	v->id = str_dup(str_z(s->id));
	p->verification = v;
	v->attempt = attempt_new(s->s2sd, &f);
}

static bool
is_asked(const struct verification *v, const struct xml_element *e)
{
	struct jid_buf buf;
	struct str from, to;

	if (!jid_prepare_domain(&from, &buf, xml_element_attr(e, S(""), "from", NULL)) ||
	    !str_is(from, v->proof->remote))
		return false;
	return jid_prepare_domain(&to, &buf, xml_element_attr(e, S(""), "to", NULL)) &&
	    str_is(to, v->proof->local) && str_is(xml_element_attr(e, S(""), "id", NULL), v->id);
}

/* Whoever asks us anything on such a stream is in the wrong direction. */
bool
verification_answer(struct stream *out, const struct xml_element *e)
{
	struct verification *v = out->verification;
	struct str type = xml_element_attr(e, S(""), "type", NULL);
	struct verdict verdict = {
	    .is_valid = str_is(type, "valid"), .why = "the key is not its own"};

	if (str_empty(type) || !is_asked(v, e)) {
		stream_end(
		    out, STREAM_POLICY_VIOLATION, "a dialback answer that nobody has asked for");
		return false;
	}
	if (!verdict.is_valid && !str_is(type, "invalid"))
		verdict = (struct verdict){.error = SE_REMOTE_SERVER_NOT_FOUND,
		    .why = "the authoritative server answers with an error"};
	tell(v, &verdict); /* ends `out` */
	return false;
}

void
verification_lost(struct verification *v, const char *why)
{
	struct verdict verdict = {.error = SE_REMOTE_SERVER_TIMEOUT, .why = why};

	v->out->verification = NULL;
	v->out = NULL;
	tell(v, &verdict);
}
