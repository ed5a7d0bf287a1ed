/* Who is there, and who serves which address. Included by bus/bus.h. */
#pragma once

#include "bus/bus.h"

/* Where a stanza to this address goes by the routing table: the endpoint of a local domain (sharded by bare JID), a
 * service or component, else s2sd. False when nobody serves it. */
bool bus_route(const struct bus *b, const struct jid *to, struct endpoint *endpoint_r);
/* Shard of a bare JID: the same everywhere. */
unsigned bus_shard(struct str bare, unsigned shards);
/* Number of sessiond shards by the routing table (0 before WELCOME). */
unsigned bus_shards(const struct bus *b);
/* Whether this domain is served by sessiond (a user domain). */
bool bus_is_local_domain(const struct bus *b, struct str domain);

/* Whether the windows towards the connected endpoints of a role leave room (edges stop reading TCP when not). */
bool bus_has_credit(const struct bus *b, enum role role);
bool bus_is_linked(const struct bus *b);
/* How long the router has been running; 0 while not linked (BUS.md §9.2). */
uint64_t bus_router_age_ms(const struct bus *b);
/* Whether at least one endpoint of the role (all `instances` of the routing table for sessiond) is connected. */
bool bus_role_up(const struct bus *b, enum role role);
/* The current incarnation of an endpoint; 0 when unknown. */
uint64_t bus_incarnation_of(const struct bus *b, enum role role, uint8_t instance);
uint64_t bus_own_incarnation(const struct bus *b);
