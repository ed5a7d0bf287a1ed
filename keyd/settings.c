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
    SETTING_INT_ROW("rate", FIELD(rate), "5000", 10, 1000000,
	"signatures per second for c2sd, as many for s2sd, and for componentd; twice as many at once"),
    SETTING_INT_ROW("expiry_days", FIELD(expiry_days), "14", 0, 365,
	"warn when a certificate ends within so many days"),
    SETTING_INT_ROW("ticket_hours", FIELD(ticket_hours), "24", 1, 24,
	"how long one key for session tickets is used", .at_start = true),
    {0},
};
