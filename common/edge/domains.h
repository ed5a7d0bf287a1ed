/* Which domains a peer may ask for: those of jackdaw.conf, and what is said of one that was served earlier in the life of this
 * process (RFC 6120 §4.9.3.5). As many names as the operator has listed. */
#pragma once

#include "base/map.h"
#include "base/str.h"
#include "bus/role.h"
#include "service/service.h"

struct domain_known;

struct domains {
	struct domain_known *known; /* uthash */
};

/* At the start and after each reload. */
void domains_note(struct domains *d, const struct suite *s);
/* domain: prepared. STREAM_OK, STREAM_HOST_GONE or STREAM_HOST_UNKNOWN. */
enum stream_error domains_check(const struct domains *d, const struct suite *s, struct str domain);
void domains_deinit(struct domains *d);
