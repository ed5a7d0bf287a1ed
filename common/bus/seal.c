/* Secrets between two endpoints across the router: crypto_kx for the keys, then secretbox. On the wire: the counter in 8
 * bytes, which is also the nonce, and the box. */
#include "bus/seal.h"

#include <sodium.h>

#include "base/id.h"
#include "base/mem.h"

#define COUNTER_BYTES 8

_Static_assert(SEAL_KEY_BYTES == crypto_kx_SESSIONKEYBYTES, "session keys");
_Static_assert(SEAL_KEY_BYTES == crypto_kx_PUBLICKEYBYTES, "public keys");
_Static_assert(SEAL_KEY_BYTES == crypto_kx_SECRETKEYBYTES, "secret keys");
_Static_assert(SEAL_KEY_BYTES == crypto_secretbox_KEYBYTES, "keys of boxes");
_Static_assert(SEAL_OVERHEAD == COUNTER_BYTES + crypto_secretbox_MACBYTES, "overhead");

bool
seal_start_client(
    struct seal *s, const uint8_t server_public[SEAL_KEY_BYTES], uint8_t public_r[SEAL_KEY_BYTES])
{
	uint8_t secret[SEAL_KEY_BYTES];
	seal_deinit(s);
	crypto_kx_keypair(public_r, secret);
	s->ready = crypto_kx_client_session_keys(s->rx, s->tx, public_r, secret, server_public) == 0;
	secret_wipe(secret, sizeof(secret));
	return s->ready;
}

bool
seal_start_server(struct seal *s, const uint8_t server_public[SEAL_KEY_BYTES],
    const uint8_t server_secret[SEAL_KEY_BYTES], const uint8_t client_public[SEAL_KEY_BYTES])
{
	seal_deinit(s);
	s->ready = crypto_kx_server_session_keys(
		       s->rx, s->tx, server_public, server_secret, client_public) == 0;
	return s->ready;
}

static void
seal_nonce(uint8_t nonce[crypto_secretbox_NONCEBYTES], const uint8_t counter[COUNTER_BYTES])
{
	memset(nonce, 0, crypto_secretbox_NONCEBYTES);
	memcpy(nonce, counter, COUNTER_BYTES);
}

void
seal_close(struct seal *s, struct str plain, struct buf *out)
{
	uint8_t nonce[crypto_secretbox_NONCEBYTES];
	if (!s->ready)
		bug("seal: no keys");
	uint8_t *p = buf_reserve(out, SEAL_OVERHEAD + plain.n);
	s->sent++;
	for (unsigned i = 0; i < COUNTER_BYTES; i++)
		p[i] = (uint8_t)(s->sent >> (8 * i));
	seal_nonce(nonce, p);
	crypto_secretbox_easy(p + COUNTER_BYTES, (const uint8_t *)plain.p, plain.n, nonce, s->tx);
	buf_commit(out, SEAL_OVERHEAD + plain.n);
}

bool
seal_open(struct seal *s, struct str sealed, struct buf *out)
{
	uint8_t nonce[crypto_secretbox_NONCEBYTES];
	const uint8_t *p = (const uint8_t *)sealed.p;
	if (!s->ready || sealed.n < SEAL_OVERHEAD)
		return false;
	size_t n = sealed.n - SEAL_OVERHEAD;
	uint8_t *plain = buf_reserve(out, n + 1);
	seal_nonce(nonce, p);
	if (crypto_secretbox_open_easy(
		plain, p + COUNTER_BYTES, sealed.n - COUNTER_BYTES, nonce, s->rx) != 0)
		return false;
	buf_commit(out, n);
	uint64_t counter = 0;
	for (unsigned i = COUNTER_BYTES; i-- > 0;)
		counter = counter << 8 | p[i];
	if (counter > s->received)
		s->received = counter;
	return true;
}

void
seal_deinit(struct seal *s)
{
	secret_wipe(s, sizeof(*s));
}
