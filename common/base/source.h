/* Addresses of clients as keys: what one customer of a provider can change at will (the lower half
 * of an IPv6 address) is left out. And networks, to say who is exempt. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct source {
	uint8_t bytes[16]; /* IPv6, IPv4 as mapped */
};

struct network {
	struct source base;
	unsigned bits;
};

#define NETWORKS_MAX 256

struct networks {
	struct network v[NETWORKS_MAX];
	size_t n;
};

/* False when it is no numeric address. "::ffff:192.0.2.1" is 192.0.2.1; a zone ("%eth0") is
 * dropped. */
bool source_parse(struct str text, struct source *source_r);
/* "192.0.2.0/24", "2001:db8::/32", or a single address. */
bool network_parse(struct str text, struct network *network_r);
/* For a setting. Returns 0, or -1 with what is wrong with it in err. */
int network_check(const char *text, struct err *err);
bool network_has(const struct network *n, const struct source *s);
/* These instead of what it had. Returns 0, or -1 with the reason in err, and nothing is changed: too many, or one that is none. */
int networks_set(struct networks *n, const char *const *texts, size_t n_texts, struct err *err);
bool networks_have(const struct networks *n, const struct source *s);
/* The part that stands for one customer: IPv4 all of it, IPv6 /64. */
struct source source_customer(const struct source *s);
