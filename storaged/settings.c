/* storaged's settings. table */
#include <stddef.h>
#include <string.h>

#include "storaged.h"

#define AT(member) offsetof(struct storaged_settings, member)
#define INT(key, ...) SETTING_INT_ROW(#key, AT(key), __VA_ARGS__)

static const struct setting domain_table[] = {
    {.name = "search",
	.type = SETTING_ENUM,
	.offset = offsetof(struct storaged_domain, search),
	.def = "default",
	.text = "default|on|off",
	.at_start = true,
	.help = "As above, for this domain; default: as for all."},
    SETTING_INT_ROW("archive_days", offsetof(struct storaged_domain, archive_days), "-1",
	DAYS_DEFAULT, 36500, "As above, for this domain. 0: never; -1: as for all."),
    SETTING_INT_ROW("archive_megabytes", offsetof(struct storaged_domain, archive_megabytes), "0",
	0, 16777216,
	"When the archives of this domain take more, their oldest messages are removed until they take 95 % of it."
	" Looked at once a day. 0: no limit."),
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
    INT(sweep_seconds, "60", 1, 86400,
	"How often messages that nobody holds any more are looked for.", .at_start = true),
    INT(keep_seconds, "3600", 60, 604800,
	"How long a delivered offline message stays in the log, so that a replay of it is recognised."),
    INT(archive_days, "0", 0, 36500,
	"Archived messages older than this are removed, once a day. 0: never. Those of a domain that is not served any more"
	" stay as long as in the domain that keeps them longest."),
    INT(archive_megabytes, "0", 0, 16777216,
	"When archive.db uses more than this, its oldest messages are removed, whatever their age. 0: no limit."),
    INT(disk_warn_megabytes, "1024", 0, 16777216,
	"With less room than this on its file system, storaged warns in the log."),
    INT(disk_archive_megabytes, "256", 0, 16777216,
	"With less than this nothing is archived any more; offline messages are still kept. At most disk_warn_megabytes."),
    INT(disk_full_megabytes, "64", 0, 16777216,
	"With less than this nothing new is stored: offline messages, rosters and values are refused "
	"(resource-constraint). At most disk_archive_megabytes."),
    INT(ballast_megabytes, "64", 0, 65536,
	"Size of the file data/ballast, which is given up when the disk is full so that what is there can be "
	"delivered and removed. 0: none."),
    SETTING_BOOL_ROW("search", AT(search), "false",
	"Users can search their archives for words (XEP-0431). Costs CPU for each message and a third more room.",
	.at_start = true),
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
