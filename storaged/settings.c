/* storaged's settings. table */
#include <stddef.h>
#include <string.h>

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
    {.name = "archive_days",
	.type = SETTING_INT,
	.offset = offsetof(struct storaged_domain, archive_days),
	.def = "-1",
	.min = DAYS_DEFAULT,
	.max = 36500,
	.help = "As above, for this domain. 0: never; -1: as for all."},
    {.name = "archive_megabytes",
	.type = SETTING_INT,
	.offset = offsetof(struct storaged_domain, archive_megabytes),
	.def = "0",
	.min = 0,
	.max = 16777216,
	.help =
	    "When the archives of this domain take more, their oldest messages are removed until they take 95 % of it."
	    " Looked at once a day. 0: no limit."},
    {.name = NULL},
};

const struct storaged_domain *
storaged_domain_of(const struct storaged_settings *set, const char *domain)
{
	const struct storaged_domain *d = set->domains.v;

	for (size_t i = 0; i < set->domains.n; i++)
		if (strcmp(domain, d[i].title) == 0)
			return &d[i];
	return NULL;
}

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
	.help =
	    "Archived messages older than this are removed, once a day. 0: never. Those of a domain that is not served any more"
	    " stay as long as in the domain that keeps them longest."},
    {.name = "archive_megabytes",
	.type = SETTING_INT,
	.offset = AT(archive_megabytes),
	.def = "0",
	.min = 0,
	.max = 16777216,
	.help =
	    "When archive.db uses more than this, its oldest messages are removed, whatever their age. 0: no limit."},
    {.name = "disk_warn_megabytes",
	.type = SETTING_INT,
	.offset = AT(disk_warn_megabytes),
	.def = "1024",
	.min = 0,
	.max = 16777216,
	.help = "With less room than this on its file system, storaged warns in the log."},
    {.name = "disk_archive_megabytes",
	.type = SETTING_INT,
	.offset = AT(disk_archive_megabytes),
	.def = "256",
	.min = 0,
	.max = 16777216,
	.help =
	    "With less than this nothing is archived any more; offline messages are still kept. At most disk_warn_megabytes."},
    {.name = "disk_full_megabytes",
	.type = SETTING_INT,
	.offset = AT(disk_full_megabytes),
	.def = "64",
	.min = 0,
	.max = 16777216,
	.help =
	    "With less than this nothing new is stored: offline messages, rosters and values are refused "
	    "(resource-constraint). At most disk_archive_megabytes."},
    {.name = "ballast_megabytes",
	.type = SETTING_INT,
	.offset = AT(ballast_megabytes),
	.def = "64",
	.min = 0,
	.max = 65536,
	.help =
	    "Size of the file data/ballast, which is given up when the disk is full so that what is there can be "
	    "delivered and removed. 0: none."},
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

int
storaged_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct storaged_settings *set = settings;

	(void)d;
	if (set->disk_warn_megabytes < set->disk_archive_megabytes)
		return err_set(
		    err, "disk_warn_megabytes must not be less than disk_archive_megabytes");
	if (set->disk_archive_megabytes < set->disk_full_megabytes)
		return err_set(
		    err, "disk_archive_megabytes must not be less than disk_full_megabytes");
	return 0;
}
