/* Sealing of secrets between two endpoints across the router: crypto_kx session keys, then secretbox with a counter as
 * nonce (DESIGN.md §3). The asking side (c2sd, ctl) makes a fresh key pair at every PEER_UP of authd and knows authd's
 * public key from a file; authd keeps one struct seal per peer incarnation. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define SEAL_KEY_BYTES 32
#define SEAL_OVERHEAD 24 /* counter and tag */

struct seal {
	uint8_t tx[SEAL_KEY_BYTES], rx[SEAL_KEY_BYTES];
	uint64_t sent;     /* counter of the last one sealed */
	uint64_t received; /* highest counter opened */
	bool ready;
};

/* Fresh keys towards a server with this public key; own public key into public_r. False if the key is no good. */
bool seal_start_client(
    struct seal *s, const uint8_t server_public[SEAL_KEY_BYTES], uint8_t public_r[SEAL_KEY_BYTES]);
/* The server's side for a client's public key. */
bool seal_start_server(struct seal *s, const uint8_t server_public[SEAL_KEY_BYTES],
    const uint8_t server_secret[SEAL_KEY_BYTES], const uint8_t client_public[SEAL_KEY_BYTES]);
/* Appends the sealed form. */
void seal_close(struct seal *s, struct str plain, struct buf *out);
/* Appends the plain text. Any counter is taken (frames are replayed by the bus, which drops duplicates itself).
 * False, with out untouched, when it does not verify. */
bool seal_open(struct seal *s, struct str sealed, struct buf *out);
/* Wipes. */
void seal_deinit(struct seal *s);
