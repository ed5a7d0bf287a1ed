/* The mechanism table and the state of an exchange. A stream's mechanism must be one that was
 * offered on it (INV-7: the edge says which), the identity always belongs to the stream's domain.
 * Only sasl_enter assigns `state`.
 *
 *   NEW ─begin─▶ AWAITS_FIRST ─answer─▶ AWAITS_FOUND ─found─▶ AWAITS_DERIVED ─derived─▶ OVER
 *     └────begin with initial data────────▶┘   │                                  (PLAIN)
 *                                              └──found─▶ AWAITS_FINAL ─answer─▶ OVER (SCRAM)
 *   any of them: OVER by a failure */
#include "sasl.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/jid.h"
#include "base/mem.h"
#include "sasl_mechanism.h"
#include "scram_offer.h"

static const struct sasl_mechanism mechanisms[] = {
#define SCRAM sasl_scram_first, sasl_scram_found, NULL, sasl_scram_final
    {"SCRAM-SHA-1", DIGEST_SHA1, false, false, SCRAM},
    {"SCRAM-SHA-1-PLUS", DIGEST_SHA1, true, true, SCRAM},
    {"SCRAM-SHA-256", DIGEST_SHA256, false, false, SCRAM},
    {"SCRAM-SHA-256-PLUS", DIGEST_SHA256, true, true, SCRAM},
    {"SCRAM-SHA-512", DIGEST_SHA512, false, false, SCRAM},
    {"SCRAM-SHA-512-PLUS", DIGEST_SHA512, true, true, SCRAM},
#undef SCRAM
    {"PLAIN", DIGEST_SHA256, true, false, sasl_plain_first, sasl_plain_found, sasl_plain_derived,
	NULL},
    {"EXTERNAL", DIGEST_SHA256, true, false, sasl_external_first, sasl_external_found, NULL, NULL},
};

static enum sasl_step
sasl_enter(struct sasl *s, enum sasl_step step)
{
	switch (step) {
	case STEP_CHALLENGE:
		s->state = s->state == SASL_IS_NEW ? SASL_AWAITS_FIRST : SASL_AWAITS_FINAL;
		break;
	case STEP_FIND:
		s->state = SASL_AWAITS_FOUND;
		break;
	case STEP_DERIVE:
		s->state = SASL_AWAITS_DERIVED;
		break;
	case STEP_SUCCESS:
	case STEP_FAILURE:
		s->state = SASL_IS_OVER;
		break;
	}
	return step;
}

static void
sasl_must_be(const struct sasl *s, enum sasl_state state)
{
	if (s->state != state)
		bug("SASL exchange in state %d instead of %d", s->state, state);
}

enum sasl_step
sasl_fail(struct sasl *s, enum sasl_condition why)
{
	s->condition = why;
	return STEP_FAILURE;
}

static const struct sasl_mechanism *
mechanism_find(struct str name)
{
	for (size_t i = 0; i < COUNT(mechanisms); i++)
		if (str_is(name, mechanisms[i].name))
			return &mechanisms[i];
	return NULL;
}

/* Whether the list holds this mechanism, and whether any with channel binding. */
static bool
offered_has(struct str offered, struct str name, bool *plus_r)
{
	struct str one, rest = offered;
	bool has = false;

	do {
		str_split(rest, ' ', &one, &rest);
		has = has || (!str_empty(one) && str_eq(one, name));
		*plus_r = *plus_r || str_ends(one, S("-PLUS"));
	} while (!str_empty(rest));
	return has;
}

static size_t
copy_binding(uint8_t to[SASL_BINDING_MAX], struct str from)
{
	if (from.n > SASL_BINDING_MAX)
		bug("channel binding data of %zu bytes", from.n);
	if (from.n)
		memcpy(to, from.p, from.n);
	return from.n;
}

static enum sasl_condition
sasl_choose(struct sasl *s, const struct sasl_terms *t)
{
	bool has = offered_has(t->offered, t->mechanism, &s->plus_offered);

	s->mechanism = mechanism_find(t->mechanism);
	if (!has || !s->mechanism)
		return SASL_INVALID_MECHANISM;
	if (s->mechanism->needs_tls && !t->tls)
		return SASL_ENCRYPTION_REQUIRED;
	if (s->mechanism->first == sasl_external_first && !s->server->takes_certificates)
		return SASL_INVALID_MECHANISM;
	if (s->mechanism->plus && str_empty(t->exporter) && str_empty(t->end_point))
		return SASL_INVALID_MECHANISM;
	s->tried_other = t->tried_other;
	if (s->server->signs_offer)
		scram_offer_hash(&s->offer, s->mechanism->digest, t);
	return SASL_NONE;
}

enum sasl_step
sasl_begin(struct sasl *s, const struct sasl_server *server, const struct sasl_terms *terms,
    bool has_initial, struct str initial)
{
	enum sasl_condition why;

	sasl_must_be(s, SASL_IS_NEW);
	s->server = server;
	s->domain = str_z(str_dup(terms->domain));
	s->certified = str_z(str_dup(terms->certified));
	s->exporter_n = copy_binding(s->exporter, terms->exporter);
	s->end_point_n = copy_binding(s->end_point, terms->end_point);
	why = sasl_choose(s, terms);
	if (why != SASL_NONE)
		return sasl_enter(s, sasl_fail(s, why));
	sasl_enter(s, STEP_CHALLENGE);
	/* All our mechanisms let the client speak first; without an initial response it is asked by
	 * an empty challenge. */
	return has_initial ? sasl_answer(s, initial) : STEP_CHALLENGE;
}

enum sasl_step
sasl_answer(struct sasl *s, struct str data)
{
	if (data.n > SASL_MESSAGE_MAX)
		return sasl_enter(s, sasl_fail(s, SASL_MALFORMED_REQUEST));
	if (s->state == SASL_AWAITS_FIRST)
		return sasl_enter(s, s->mechanism->first(s, data));
	sasl_must_be(s, SASL_AWAITS_FINAL);
	buf_clear(&s->output);
	s->has_output = false;
	return sasl_enter(s, s->mechanism->final(s, data));
}

/* The fake credential is always made, so that an account that exists takes the same time as one
 * that does not (INV-16). */
enum sasl_step
sasl_found(struct sasl *s, const struct credentials *c, uint64_t generation)
{
	enum digest d = s->mechanism->digest;

	sasl_must_be(s, SASL_AWAITS_FOUND);
	credential_fake(&s->wanted, d, s->server->fake_key, s->jid, s->server->iterations);
	s->known = c && c->of[d].iterations > 0;
	s->generation = generation;
	if (s->known)
		s->wanted = c->of[d];
	return sasl_enter(s, s->mechanism->found(s));
}

void
sasl_derive(struct sasl *s)
{
	credential_derive(&s->derived, s->mechanism->digest, str_of(s->password, s->password_n));
}

enum sasl_step
sasl_derived(struct sasl *s)
{
	sasl_must_be(s, SASL_AWAITS_DERIVED);
	return sasl_enter(s, s->mechanism->derived(s));
}

enum sasl_condition
sasl_identify(struct sasl *s, struct str authcid, struct str authzid)
{
	struct jid_buf local_buf, zid_buf;
	struct str local;
	struct jid zid;
	struct buf bare = {0};

	if (!jid_prepare_local(&local, &local_buf, authcid) || str_empty(local))
		return SASL_NOT_AUTHORIZED;
	buf_add_str(&bare, local);
	buf_add_c(&bare, '@');
	buf_add_str(&bare, s->domain);
	s->jid = str_z(str_dup(buf_str(&bare)));
	buf_deinit(&bare);
	if (str_empty(authzid))
		return SASL_NONE;
	if (!jid_prepare(&zid, &zid_buf, authzid) || !str_eq(zid.full, s->jid))
		return SASL_INVALID_AUTHZID;
	return SASL_NONE;
}

struct str
sasl_output(const struct sasl *s)
{
	return buf_str(&s->output);
}

const char *
sasl_mechanism_name(const struct sasl *s)
{
	return s->mechanism ? s->mechanism->name : "unknown mechanism";
}

void
sasl_deinit(struct sasl *s)
{
	if (s->password) {
		secret_wipe(s->password, s->password_n);
		free(s->password);
	}
	free((char *)(uintptr_t)s->domain.p);
	free((char *)(uintptr_t)s->jid.p);
	free((char *)(uintptr_t)s->certified.p);
	buf_deinit_secret(&s->output);
	buf_deinit_secret(&s->binding);
	buf_deinit(&s->nonce);
	buf_deinit(&s->offer);
	buf_deinit_secret(&s->auth_message);
	secret_wipe(s, sizeof(*s));
}
