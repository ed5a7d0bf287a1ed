/* SRV records (RFC 2782): which host serves a domain. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"

struct srv {
	uint16_t priority, weight, port;
	char target[DNS_NAME_MAX]; /* lower case, without the root's dot; "": there is no such service */
	/* For the owner, who puts two services into one list. */
	bool is_direct_tls, is_secure;
};

/* False when it is malformed, or the target is no name of a host. */
bool srv_parse(struct srv *s_r, struct str rdata);

/* Into the order in which they are tried: by priority, and within one by chance as the weights say. below: a random number under
 * its argument, which is never 0. */
void srv_sort(struct srv *s, size_t n, uint32_t (*below)(uint32_t limit));
