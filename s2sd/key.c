/* See key.h. The secret is hashed first, so that its length says nothing; names and id are separated by blanks, which none of
 * them has (INV-6). */
#include "key.h"

#include <sodium.h>

#include "base/id.h"

static void
add(crypto_auth_hmacsha256_state *st, struct str s)
{
	crypto_auth_hmacsha256_update(st, (const unsigned char *)s.p, s.n);
}

/* XEP-0185 §3: the hash's hexadecimal form is the key of the HMAC. */
static void
hash_secret(char hex[KEY_HEX + 1], struct str secret)
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)secret.p, secret.n);
	sodium_bin2hex(hex, KEY_HEX + 1, hash, sizeof(hash));
	secret_wipe(hash, sizeof(hash));
}

void
key_make(char out[KEY_HEX + 1], struct str secret, const struct key_names *names)
{
	crypto_auth_hmacsha256_state st;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char hex[KEY_HEX + 1];

	hash_secret(hex, secret);
	crypto_auth_hmacsha256_init(&st, (const unsigned char *)hex, KEY_HEX);
	add(&st, names->receiving);
	add(&st, S(" "));
	add(&st, names->originating);
	add(&st, S(" "));
	add(&st, names->id);
	crypto_auth_hmacsha256_final(&st, mac);
	sodium_bin2hex(out, KEY_HEX + 1, mac, sizeof(mac));
	secret_wipe(hex, sizeof(hex));
	secret_wipe(&st, sizeof(st));
}

bool
key_is_right(struct str key, struct str secret, const struct key_names *names)
{
	char right[KEY_HEX + 1];
	bool is_right;

	key_make(right, secret, names);
	is_right = secret_eq(key, str_z(right));
	secret_wipe(right, sizeof(right));
	return is_right;
}
