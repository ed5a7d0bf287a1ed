/* storaged's settings. table */
#include <stddef.h>

#include "storaged.h"

#define AT(member) offsetof(struct storaged_settings, member)

static const struct setting domain_table[] = {
    {.name = "search",
	.type = SETTING_ENUM,
	.offset = offsetof(struct storaged_domain, search),
	.def = "default",
	.text = "default|on|off",
	.at_start = true,
	.help = "As above, for this domain; default: as for all."},
    {.name = NULL},
};

const struct setting storaged_settings_table[] = {
    {.name = "sweep_seconds",
	.at_start = true,
	.type = SETTING_INT,
	.offset = AT(sweep_seconds),
	.def = "60",
	.min = 1,
	.max = 86400,
	.help = "How often messages that nobody holds any more are looked for."},
    {.name = "keep_seconds",
	.type = SETTING_INT,
	.offset = AT(keep_seconds),
	.def = "3600",
	.min = 60,
	.max = 604800,
	.help =
	    "How long a delivered offline message stays in the log, so that a replay of it is recognised."},
    {.name = "archive_days",
	.type = SETTING_INT,
	.offset = AT(archive_days),
	.def = "0",
	.min = 0,
	.max = 36500,
	.help = "Archived messages older than this are removed, once a day. 0: never."},
    {.name = "archive_megabytes",
	.type = SETTING_INT,
	.offset = AT(archive_megabytes),
	.def = "0",
	.min = 0,
	.max = 16777216,
	.help =
	    "When archive.db uses more than this, its oldest messages are removed, whatever their age. 0: no limit."},
    {.name = "search",
	.type = SETTING_BOOL,
	.offset = AT(search),
	.def = "false",
	.at_start = true,
	.help =
	    "Users can search their archives for words (XEP-0431). Costs CPU for each message and a third more room."},
    {.name = "domain",
	.type = SETTING_SECTIONS,
	.offset = AT(domains),
	.section = domain_table,
	.section_size = sizeof(struct storaged_domain),
	.help = "What is different for one domain."},
    {.name = NULL},
};
