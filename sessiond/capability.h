/* The capability of a session: a MAC by which a new sessiond believes an edge that it holds this session (DESIGN.md §3).
 * The key is authd's, for sessiond alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/str.h"

#define CAPABILITY_BYTES 32

struct capability {
	struct str jid; /* full: bare JID and resource */
	uint64_t edge_incarnation, conn;
	struct id128 sid;
	uint64_t epoch, generation;
};

void capability_make(
    const uint8_t key[32], const struct capability *c, uint8_t mac_r[CAPABILITY_BYTES]);
bool capability_check(const uint8_t key[32], const struct capability *c, struct str mac);
