/* The settings of keyd. */

#include "keyd.h"

#define FIELD(name) offsetof(struct keyd_settings, name)

const struct setting keyd_settings_table[] = {
    {.name = "keys",
	.at_start = true,
	.type = SETTING_STRING,
	.offset = FIELD(keys),
	.def = "",
	.max = 4000,
	.help = "folder with DOMAIN.key and DOMAIN.crt; empty: the suite's own"},
    {.name = "rate",
	.type = SETTING_INT,
	.offset = FIELD(rate),
	.def = "5000",
	.min = 10,
	.max = 1000000,
	.help =
	    "signatures per second for c2sd, as many for s2sd, and for componentd; twice as many at once"},
    {.name = "expiry_days",
	.type = SETTING_INT,
	.offset = FIELD(expiry_days),
	.def = "14",
	.min = 0,
	.max = 365,
	.help = "warn when a certificate ends within so many days"},
    {.name = "ticket_hours",
	.at_start = true,
	.type = SETTING_INT,
	.offset = FIELD(ticket_hours),
	.def = "24",
	.min = 1,
	.max = 24,
	.help = "how long one key for session tickets is used"},
    {0},
};
