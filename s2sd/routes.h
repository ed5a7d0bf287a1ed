/* Static routes: where a domain is to be found, whatever the DNS says. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dial.h"

struct route {
	char host[DIAL_HOST_MAX]; /* a name, or an address without brackets */
	uint16_t port;
};

struct route_table;

struct route_table *route_table_new(void);
void route_table_free(struct route_table **t);
/* -1 with *err: the table is full, or the target is none. */
int route_set(struct route_table *t, struct str domain, struct str target, struct err *err);
bool route_del(struct route_table *t, struct str domain);
void route_clear(struct route_table *t);
const struct route *route_find(const struct route_table *t, struct str domain);
void route_each(const struct route_table *t,
    void (*fn)(void *ctx, const char *domain, const char *target), void *ctx);

int route_parse(struct route *r_r, struct str target, struct err *err);
