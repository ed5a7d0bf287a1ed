/* A DNS server on the loop of a test: answers over UDP from a few lines. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct zone;

struct zone *zone_new(struct loop *l);
void zone_free(struct zone **z);
/* "127.0.0.1@40000" */
const char *zone_resolver(const struct zone *z);

void zone_a(struct zone *z, const char *name, const char *address);
void zone_aaaa(struct zone *z, const char *name, const char *address);
/* target ".": there is no such service */
void zone_srv(struct zone *z, const char *name, uint16_t priority, uint16_t weight, uint16_t port,
    const char *target);
/* Any bytes, as the record of a name. */
void zone_bytes(struct zone *z, const char *name, unsigned type, const void *p, size_t n);

enum zone_fault {
	ZONE_SERVFAIL,
	ZONE_SILENT, /* no answer at all */
};
/* Instead of what there is of that name. */
void zone_fault(struct zone *z, const char *name, unsigned type, enum zone_fault f);
/* How often it was asked for that. */
unsigned zone_asked(const struct zone *z, const char *name, unsigned type);
