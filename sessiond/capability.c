/* See capability.h. HMAC-SHA-256 over the fields in a form that has just one reading: all but the JID have fixed sizes. */
#include "capability.h"

#include <sodium.h>

#include "base/buf.h"

void
capability_make(const uint8_t key[32], const struct capability *c, uint8_t mac_r[CAPABILITY_BYTES])
{
	struct buf b = {0};

	buf_add_u64(&b, c->edge_incarnation);
	buf_add_u64(&b, c->conn);
	buf_add(&b, c->sid.b, ID_BYTES);
	buf_add_u64(&b, c->epoch);
	buf_add_u64(&b, c->generation);
	buf_add_str(&b, c->jid);
	crypto_auth_hmacsha256(mac_r, (const uint8_t *)buf_str(&b).p, buf_len(&b), key);
	buf_deinit(&b);
}

bool
capability_check(const uint8_t key[32], const struct capability *c, struct str mac)
{
	uint8_t right[CAPABILITY_BYTES];
	bool same;

	capability_make(key, c, right);
	same = secret_eq(str_of(right, sizeof(right)), mac);
	secret_wipe(right, sizeof(right));
	return same;
}
