/* SCRAM-SHA-1, -256, -512 and their -PLUS variants (RFC 5802, RFC 7677; channel bindings of RFC
 * 9266 and RFC 5929). The account's keys come with sasl_found; one that does not exist has fake
 * ones and fails at the proof like any other. */
#include <string.h>

#include "base/enc.h"
#include "base/id.h"
#include "sasl_mechanism.h"
#include "scram_parse.h"

#define NONCE_BYTES 18 /* random, from us */

/* What c= must hold after the gs2-header; false when this stream has no such binding. */
static bool
binding_data(const struct sasl *s, struct str name, struct str *data_r)
{
	if (str_is(name, "tls-exporter"))
		*data_r = str_of(s->exporter, s->exporter_n);
	else if (str_is(name, "tls-server-end-point"))
		*data_r = str_of(s->end_point, s->end_point_n);
	else
		return false;
	return !str_empty(*data_r);
}

static enum sasl_condition
binding_take(struct sasl *s, const struct scram_first *first)
{
	struct str data = {0};

	if (s->mechanism->plus != (first->flag == 'p'))
		return SASL_MALFORMED_REQUEST;
	/* RFC 5802 §6: the client could have bound and was told that we can't: somebody changed our
	 * offer. */
	if (first->flag == 'y' && s->plus_offered && !s->tried_other)
		return SASL_NOT_AUTHORIZED;
	if (first->flag == 'p' && !binding_data(s, first->binding, &data))
		return SASL_NOT_AUTHORIZED;
	buf_add_str(&s->binding, first->gs2_header);
	buf_add_str(&s->binding, data);
	return SASL_NONE;
}

static enum sasl_condition
names_take(struct sasl *s, const struct scram_first *first)
{
	struct buf name = {0}, zid = {0};
	enum sasl_condition why = SASL_MALFORMED_REQUEST;

	if (scram_unescape(first->username, &name) &&
	    (str_empty(first->authzid) || scram_unescape(first->authzid, &zid)))
		why = sasl_identify(s, buf_str(&name), buf_str(&zid));
	buf_deinit(&name);
	buf_deinit(&zid);
	return why;
}

enum sasl_step
sasl_scram_first(struct sasl *s, struct str data)
{
	struct scram_first first;
	enum sasl_condition why;

	if (!scram_parse_first(data, &first))
		return sasl_fail(s, SASL_MALFORMED_REQUEST);
	why = binding_take(s, &first);
	if (why == SASL_NONE)
		why = names_take(s, &first);
	if (why != SASL_NONE)
		return sasl_fail(s, why);
	buf_add_str(&s->nonce, first.nonce);
	buf_add_str(&s->auth_message, first.bare);
	return STEP_FIND;
}

static void
nonce_random(char out[SASL_NONCE_MAX])
{
	uint8_t raw[NONCE_BYTES];
	struct buf text = {0};

	id_random_bytes(raw, sizeof(raw));
	enc_base64(&text, str_of(raw, sizeof(raw)));
	str_copy(out, SASL_NONCE_MAX, buf_str(&text));
	buf_deinit(&text);
}

/* server-first-message. The attribute "h" of XEP-0474 becomes part of AuthMessage with the rest. */
enum sasl_step
sasl_scram_found(struct sasl *s)
{
	char nonce[SASL_NONCE_MAX];

	(s->server->nonce ? s->server->nonce : nonce_random)(nonce);
	buf_add_z(&s->nonce, nonce);
	buf_add_z(&s->output, "r=");
	buf_add_str(&s->output, buf_str(&s->nonce));
	buf_add_z(&s->output, ",s=");
	enc_base64(&s->output, credential_salt(&s->wanted));
	buf_printf(&s->output, ",i=%u", s->wanted.iterations);
	if (buf_len(&s->offer))
		buf_printf(&s->output, ",h=%.*s", STR_ARG(buf_str(&s->offer)));
	s->has_output = true;
	buf_add_c(&s->auth_message, ',');
	buf_add_str(&s->auth_message, sasl_output(s));
	buf_add_c(&s->auth_message, ',');
	return STEP_CHALLENGE;
}

/* ClientKey = ClientProof XOR ClientSignature; right if its hash is StoredKey. */
static bool
proof_fits(const struct sasl *s, struct str proof)
{
	enum digest d = s->mechanism->digest;
	size_t n = digest_size(d);
	uint8_t key[DIGEST_MAX];
	struct credential claimed;

	if (!proof.p || proof.n != n)
		return false;
	digest_hmac(d, str_of(s->wanted.stored_key, n), buf_str(&s->auth_message), key);
	for (size_t i = 0; i < n; i++)
		key[i] ^= (uint8_t)proof.p[i];
	digest_hash(d, str_of(key, n), claimed.stored_key);
	bool same = credential_same(&claimed, &s->wanted, d);
	secret_wipe(key, sizeof(key));
	secret_wipe(&claimed, sizeof(claimed));
	return same && s->known;
}

/* server-final-message: v=base64(HMAC(ServerKey, AuthMessage)) */
static enum sasl_step
scram_succeed(struct sasl *s)
{
	enum digest d = s->mechanism->digest;
	size_t n = digest_size(d);
	uint8_t signature[DIGEST_MAX];

	digest_hmac(d, str_of(s->wanted.server_key, n), buf_str(&s->auth_message), signature);
	buf_add_z(&s->output, "v=");
	enc_base64(&s->output, str_of(signature, n));
	s->has_output = true;
	return STEP_SUCCESS;
}

enum sasl_step
sasl_scram_final(struct sasl *s, struct str data)
{
	struct scram_final final;
	struct buf binding = {0}, proof = {0};
	enum sasl_step step;

	if (!scram_parse_final(data, &final) || !dec_base64(&binding, final.binding) ||
	    !dec_base64(&proof, final.proof)) {
		step = sasl_fail(s, SASL_MALFORMED_REQUEST);
	} else if (!secret_eq(buf_str(&binding), buf_str(&s->binding)) ||
	    !secret_eq(final.nonce, buf_str(&s->nonce))) {
		step = sasl_fail(s, SASL_NOT_AUTHORIZED);
	} else {
		buf_add_str(&s->auth_message, final.without_proof);
		step = proof_fits(s, buf_str(&proof)) ? scram_succeed(s)
						      : sasl_fail(s, SASL_NOT_AUTHORIZED);
	}
	buf_deinit_secret(&binding);
	buf_deinit_secret(&proof);
	return step;
}
