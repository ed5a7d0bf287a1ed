/* The router as a daemon: what main.c puts into its struct service. */
#pragma once

#include "hub.h"
#include "service/service.h"

/* The router's own file has no keys: what it needs is in jackdaw.conf. */
struct router_settings {
	char none;
};

extern const struct setting router_settings[];
extern const struct sandbox router_sandbox;

int router_check(const struct daemon *d, const void *settings, struct err *err);
int router_open(struct daemon *d, struct err *err);
int router_start(struct daemon *d, struct err *err);
void router_reloaded(struct daemon *d, const void *old);
void router_stop(struct daemon *d);

/* table.c: the routing table of this suite; *routes_r is the caller's to free, its names are the suite's. */
uint32_t table_of_suite(const struct suite *s, struct rec_route **routes_r);
