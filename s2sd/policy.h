/* Which servers are talked to, in which direction, and what must be proved first. Pure: settings in, verdict out. What is said of the
 * remote domain goes before what is said of the local one, and that before what holds for all. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct s2sd_settings;

enum policy {
	POLICY_REQUIRED,          /* TLS, then a certificate that verifies, or dialback */
	POLICY_REQUIRED_VERIFIED, /* TLS and a certificate that verifies */
	POLICY_OPTIONAL,          /* TLS if the other side has it */
	POLICY_OFF,               /* never TLS: closed networks */
};

/* All domains are prepared. */
enum policy policy_of(const struct s2sd_settings *s, struct str local, struct str remote);
static inline bool
policy_wants_tls(enum policy p)
{
	return p == POLICY_REQUIRED || p == POLICY_REQUIRED_VERIFIED;
}

/* M-03: incoming streams for this domain of ours are allowed; outgoing ones are. */
bool policy_serves(const struct s2sd_settings *s, struct str local);
bool policy_sends_from(const struct s2sd_settings *s, struct str local);
/* The same for the other side, with the lists. An entry "*.example.org" is every name below example.org. */
bool policy_admits(const struct s2sd_settings *s, struct str remote);
bool policy_sends_to(const struct s2sd_settings *s, struct str remote);

/* The secret for dialback keys of this domain of ours: its own, the common one, or empty when neither is set. */
struct str policy_secret(const struct s2sd_settings *s, struct str local);
