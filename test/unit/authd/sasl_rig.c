/* A SCRAM and PLAIN client of its own making: only the hashes are shared with the server's code. */
#include "sasl_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/id.h"
#include "base/mem.h"

#define CLIENT_NONCE "fyko+d2lbbFgONRv9qkxdawL"

static uint8_t fake_key[CREDENTIAL_FAKE_KEY_BYTES] = "a secret of this server, 32 byte";

const struct sasl_server rig_server = {.fake_key = fake_key, .iterations = RIG_ITERATIONS};

static struct {
	const char *jid, *password;
	struct credentials credentials;
} accounts[] = {
    {"alice@example.org", "wonderland", {{{0}}}},
    {"bob@example.org", "builder", {{{0}}}},
    {"alice@other.example", "elsewhere", {{{0}}}},
    {"zo\xc3\xab@example.org", "p\xc3\xa4ssw\xc3\xb6rd", {{{0}}}},
};

char rig_server_first[SASL_MESSAGE_MAX];

int
rig_setup(void **state)
{
	(void)state;
	id_init();
	for (size_t i = 0; i < COUNT(accounts); i++)
		credentials_make(
		    &accounts[i].credentials, str_z(accounts[i].password), RIG_ITERATIONS);
	return 0;
}

const struct credentials *
rig_find(struct str jid)
{
	for (size_t i = 0; i < COUNT(accounts); i++)
		if (str_is(jid, accounts[i].jid))
			return &accounts[i].credentials;
	return NULL;
}

struct sasl_terms
rig_terms(const char *mechanism)
{
	return (struct sasl_terms){
	    .domain = S("example.org"),
	    .mechanism = str_z(mechanism),
	    .offered = S(RIG_ALL_MECHANISMS),
	    .tls = true,
	    .exporter = S("exporter data of this very stream"),
	    .end_point = S("hash of the server's certificate"),
	};
}

enum sasl_step
rig_go(struct sasl *s, enum sasl_step step)
{
	for (;;) {
		switch (step) {
		case STEP_FIND:
			step = sasl_found(s, rig_find(s->jid), 1);
			break;
		case STEP_DERIVE:
			sasl_derive(s);
			step = sasl_derived(s);
			break;
		case STEP_CHALLENGE:
		case STEP_SUCCESS:
		case STEP_FAILURE:
			return step;
		}
	}
}

static enum digest
digest_of(const char *mechanism)
{
	if (strstr(mechanism, "SHA-512"))
		return DIGEST_SHA512;
	return strstr(mechanism, "SHA-256") ? DIGEST_SHA256 : DIGEST_SHA1;
}

static struct str
binding_of(const struct rig_client *c, const struct sasl_terms *terms, const char *gs2)
{
	if (!str_empty(c->binding) || gs2[0] != 'p')
		return c->binding;
	return strcmp(gs2, "p=tls-exporter") == 0 ? terms->exporter : terms->end_point;
}

void
rig_add_proof(struct buf *out, enum digest d, const char *password, struct str salt,
    uint32_t iterations, struct str auth)
{
	size_t n = digest_size(d);
	uint8_t salted[DIGEST_MAX], key[DIGEST_MAX], stored[DIGEST_MAX], proof[DIGEST_MAX];

	digest_pbkdf2(d, str_z(password), salt, iterations, salted);
	digest_hmac(d, str_of(salted, n), S("Client Key"), key);
	digest_hash(d, str_of(key, n), stored);
	digest_hmac(d, str_of(stored, n), auth, proof);
	for (size_t i = 0; i < n; i++)
		proof[i] ^= key[i];
	buf_add_z(out, ",p=");
	enc_base64(out, str_of(proof, n));
}

static enum sasl_step
scram_final(struct sasl *s, const struct rig_client *c, struct str gs2_header, struct str binding,
    struct str bare)
{
	struct buf final = {0}, cbind = {0}, auth = {0}, salt = {0}, sent = {0};
	struct str first = str_z(rig_server_first), nonce, rest, salt64 = {0}, iterations = {0};
	uint64_t i = 0;

	assert_true(
	    str_split(first, ',', &nonce, &rest) && str_split(rest, ',', &salt64, &iterations));
	assert_true(
	    str_starts(nonce, S("r=" CLIENT_NONCE)) && nonce.n > strlen("r=" CLIENT_NONCE) + 16);
	assert_true(dec_base64(&salt, str_from(salt64, 2)) && str_u64(str_from(iterations, 2), &i));
	buf_add_str(&cbind, gs2_header);
	buf_add_str(&cbind, binding);
	buf_add_z(&final, "c=");
	enc_base64(&final, buf_str(&cbind));
	buf_printf(&final, ",%.*s", STR_ARG(nonce));
	buf_printf(&auth, "%.*s,%.*s,%.*s", STR_ARG(bare), STR_ARG(first), STR_ARG(buf_str(&final)));
	rig_add_proof(&final, digest_of(c->mechanism), c->password, buf_str(&salt), (uint32_t)i,
	    buf_str(&auth));
	if (c->final)
		buf_add_z(&sent, c->final);
	else
		buf_add_str(&sent, buf_str(&final));
	enum sasl_step step = rig_go(s, sasl_answer(s, buf_str(&sent)));
	buf_deinit(&final);
	buf_deinit(&cbind);
	buf_deinit(&auth);
	buf_deinit(&salt);
	buf_deinit(&sent);
	return step;
}

static enum sasl_step
scram_login(struct sasl *s, const struct rig_client *c, const struct sasl_terms *terms)
{
	const char *gs2 = c->gs2                        ? c->gs2
	    : str_ends(str_z(c->mechanism), S("-PLUS")) ? "p=tls-exporter"
							: "n";
	struct buf first = {0};
	enum sasl_step step;
	size_t header;

	buf_printf(&first, "%s,%s%s,", gs2, c->authzid ? "a=" : "", c->authzid ? c->authzid : "");
	header = buf_len(&first);
	buf_printf(&first, "n=%s,r=%s", c->authcid, CLIENT_NONCE);
	step = rig_go(s, sasl_begin(s, &rig_server, terms, true, buf_str(&first)));
	if (step == STEP_CHALLENGE) {
		assert_true(s->has_output &&
		    str_copy(rig_server_first, sizeof(rig_server_first), sasl_output(s)));
		step = scram_final(s, c, str_of(buf_str(&first).p, header),
		    binding_of(c, terms, gs2), str_from(buf_str(&first), header));
	}
	buf_deinit(&first);
	return step;
}

static enum sasl_step
plain_login(struct sasl *s, const struct rig_client *c, const struct sasl_terms *terms)
{
	struct buf message = {0};

	if (c->authzid)
		buf_add_z(&message, c->authzid);
	buf_add_c(&message, '\0');
	buf_add_z(&message, c->authcid);
	buf_add_c(&message, '\0');
	buf_add_z(&message, c->password);
	enum sasl_step step = rig_go(s, sasl_begin(s, &rig_server, terms, true, buf_str(&message)));
	buf_deinit(&message);
	return step;
}

enum sasl_step
rig_login(struct sasl *s, const struct rig_client *c, const struct sasl_terms *terms)
{
	memset(s, 0, sizeof(*s));
	return (strcmp(c->mechanism, "PLAIN") == 0 ? plain_login : scram_login)(s, c, terms);
}
