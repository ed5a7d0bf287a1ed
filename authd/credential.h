/* What is kept instead of a password: per hash a salt, a count, StoredKey and ServerKey (RFC 5802
 * §3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "digest.h"

#define CREDENTIAL_SALT_BYTES 16
#define CREDENTIAL_SALT_MAX 64 /* imported accounts may bring longer ones */
#define CREDENTIAL_FAKE_KEY_BYTES 32
#define CREDENTIAL_ITERATIONS_MIN 4096 /* RFC 7677 §4 */

struct credential {
	uint32_t iterations; /* 0: there is none for this hash */
	uint8_t salt_n;
	uint8_t salt[CREDENTIAL_SALT_MAX];
	uint8_t stored_key[DIGEST_MAX];
	uint8_t server_key[DIGEST_MAX];
};

/* One for each hash, so that every mechanism works for every account. */
struct credentials {
	struct credential of[DIGEST_COUNT];
};

/* Fresh salts and the keys of this password. Slow: not on the loop. */
void credentials_make(struct credentials *c_r, struct str password, uint32_t iterations);

/* Sets the keys of c from the password and c's own salt and count. Slow. */
void credential_derive(struct credential *c, enum digest d, struct str password);
/* The same from SaltedPassword, digest_size(d) bytes. */
void credential_from_salted(struct credential *c, enum digest d, const uint8_t *salted);

/* Whether two credentials of the same salt came from the same password; constant time. */
bool credential_same(const struct credential *a, const struct credential *b, enum digest d);

/* The credential that an account which does not exist seems to have: always the same for one name,
 * keyed by a secret of this server, with the count that new accounts get. No password is known to
 * fit it. */
void credential_fake(struct credential *c_r, enum digest d,
    const uint8_t key[CREDENTIAL_FAKE_KEY_BYTES], struct str jid, uint32_t iterations);

struct str credential_salt(const struct credential *c);
void credentials_wipe(struct credentials *c);
