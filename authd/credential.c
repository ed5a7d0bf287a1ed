/* Making and checking of credentials; pure functions. Called on the worker threads where they are
 * slow, by the SASL mechanisms on the loop where not. */
#include "credential.h"

#include <string.h>

#include "base/id.h"
#include "base/mem.h"

void
credential_from_salted(struct credential *c, enum digest d, const uint8_t *salted)
{
	size_t n = digest_size(d);
	uint8_t client_key[DIGEST_MAX];

	digest_hmac(d, str_of(salted, n), S("Client Key"), client_key);
	digest_hash(d, str_of(client_key, n), c->stored_key);
	digest_hmac(d, str_of(salted, n), S("Server Key"), c->server_key);
	secret_wipe(client_key, sizeof(client_key));
}

void
credential_derive(struct credential *c, enum digest d, struct str password)
{
	uint8_t salted[DIGEST_MAX];

	digest_pbkdf2(d, password, credential_salt(c), c->iterations, salted);
	credential_from_salted(c, d, salted);
	secret_wipe(salted, sizeof(salted));
}

void
credentials_make(struct credentials *c_r, struct str password, uint32_t iterations)
{
	memset(c_r, 0, sizeof(*c_r));
	for (enum digest d = 0; d < DIGEST_COUNT; d++) {
		struct credential *c = &c_r->of[d];

		c->iterations = iterations;
		c->salt_n = CREDENTIAL_SALT_BYTES;
		id_random_bytes(c->salt, c->salt_n);
		credential_derive(c, d, password);
	}
}

bool
credential_same(const struct credential *a, const struct credential *b, enum digest d)
{
	size_t n = digest_size(d);

	return secret_eq(str_of(a->stored_key, n), str_of(b->stored_key, n));
}

/* One independent value for each use of the key: HMAC over the use, the hash and the name. */
static void
fake_part(
    uint8_t out[DIGEST_MAX], const uint8_t *key, const char *use, enum digest d, struct str jid)
{
	uint8_t inner[DIGEST_MAX];
	const uint8_t number = (uint8_t)d;

	digest_hmac(DIGEST_SHA512, str_of(key, CREDENTIAL_FAKE_KEY_BYTES), str_z(use), inner);
	digest_hmac(DIGEST_SHA512, str_of(inner, DIGEST_MAX), str_of(&number, 1), out);
	digest_hmac(DIGEST_SHA512, str_of(out, DIGEST_MAX), jid, out);
}

void
credential_fake(struct credential *c_r, enum digest d, const uint8_t key[CREDENTIAL_FAKE_KEY_BYTES],
    struct str jid, uint32_t iterations)
{
	uint8_t salt[DIGEST_MAX];

	memset(c_r, 0, sizeof(*c_r));
	c_r->iterations = iterations;
	c_r->salt_n = CREDENTIAL_SALT_BYTES;
	fake_part(salt, key, "salt", d, jid);
	memcpy(c_r->salt, salt, CREDENTIAL_SALT_BYTES);
	fake_part(c_r->stored_key, key, "stored", d, jid);
	fake_part(c_r->server_key, key, "server", d, jid);
}

struct str
credential_salt(const struct credential *c)
{
	return str_of(c->salt, c->salt_n);
}

void
credentials_wipe(struct credentials *c)
{
	secret_wipe(c, sizeof(*c));
}
