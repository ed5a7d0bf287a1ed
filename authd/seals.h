/* The sealing keys agreed with each edge and ctl, one for each incarnation that is there
 * (bus/seal.h). */
#pragma once

#include <stdint.h>

#include "bus/bus.h"
#include "bus/seal.h"
#include "keys.h"

struct seals;

struct seals *seals_new(const struct keys *keys);
void seals_free(struct seals **s);

/* The peer's public key has come; an older one of the same endpoint is forgotten. False: the key is
 * no good. */
bool seals_set(struct seals *s, const struct endpoint *peer, struct str public_key);
/* NULL: none agreed with this incarnation. */
struct seal *seals_find(const struct seals *s, const struct endpoint *peer);
/* The same for whichever c2sd has this incarnation. */
struct seal *seals_find_edge(const struct seals *s, uint64_t incarnation);
/* The endpoint is there: keys of an earlier incarnation go. Not earlier: one that was presumed dead
 * and comes back goes on with its keys. */
void seals_peer_new(struct seals *s, const struct endpoint *peer);
