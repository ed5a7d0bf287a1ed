/* sessiond's settings. table */
#include <stddef.h>
#include <string.h>

#include "archive.h"
#include "delegation.h"
#include "privilege.h"

#define AT(member) offsetof(struct sessiond_settings, member)

#define INT(key, ...) SETTING_INT_ROW(#key, AT(key), __VA_ARGS__)
#define BOOL(key, ...) SETTING_BOOL_ROW(#key, AT(key), __VA_ARGS__)

#define CONTACT(key, what)                                                              \
	{                                                                               \
		.name = "contact_" #key, .type = SETTING_LIST, .def = "{}", .max = 512, \
		.offset = AT(contact_##key), .check = is_uri,                           \
		.help = "Addresses " what ", as URIs (mailto:, xmpp:, https:)."         \
	}

/* XEP-0157 §3; "<" would make the string of XEP-0115 ambiguous. */
static int
is_uri(const char *value, struct err *err)
{
	if (strchr(value, ':') && !strpbrk(value, " <>\"'"))
		return 0;
	err_set(err, "\"%s\" is no URI; write for example mailto:abuse@example.org", value);
	return -1;
}

static const struct setting domain_table[] = {
    {.name = "archive",
	.type = SETTING_ENUM,
	.offset = offsetof(struct archive_domain, archive),
	.def = "default",
	.text = "default|off|always|roster",
	.help = "As above, for this domain; default: as for all."},
    {.name = "archive_preferences",
	.type = SETTING_ENUM,
	.offset = offsetof(struct archive_domain, preferences),
	.def = "default",
	.text = "default|on|off",
	.help = "As above, for this domain; default: as for all."},
    {.name = NULL},
};

const struct setting sessiond_settings_table[] = {
    {.name = "conflict",
	.type = SETTING_ENUM,
	.offset = AT(conflict),
	.def = "replace",
	.text = "replace|refuse|rename",
	.help =
	    "What happens when a client binds a resource that is in use: the older session is closed, the newer"
	    " one is refused (unless the older one only waits to be resumed), or it gets another resource."},
    INT(sessions_max, "200000", 1, 10000000, "Most sessions of this shard."),
    INT(sessions_per_account, "10", 1, 1000, "Most sessions of one account at a time."),
    BOOL(replace_oldest_session, "true",
	"One session more than sessions_per_account: the account's oldest one is closed. false: the newer one is refused."),
    INT(accounts_cached, "10000", 0, 10000000,
	"Accounts without a session whose rosters are kept in memory."),
    BOOL(deliver_to_all_resources, "false",
	"A message goes to all available sessions of its recipient, whatever their priority above 0 and even when it is"
	" addressed to one of them."),
    BOOL(password_change, "true", "Users may change their own password."),
    BOOL(account_removal, "true",
	"Users may remove their own account, with everything that is in it."),
    BOOL(tell_version, "true", "Whoever asks is told which version of Jackdaw this is."),
    BOOL(client_state, "true",
	"Presence and chat states wait for a client that says that nobody looks at it (XEP-0352)."),
    BOOL(privacy_lists, "true",
	"Users may have privacy lists (XEP-0016), which only old clients know. Without them those that they have still count."),
    CONTACT(abuse, "about abuse"),
    CONTACT(admin, "for the administrators"),
    CONTACT(feedback, "for praise and blame"),
    CONTACT(sales, "about buying"),
    CONTACT(security, "about security"),
    CONTACT(status, "where to see whether the service is up"),
    CONTACT(support, "for help"),
    INT(offline_max, "100", 0, 1000000,
	"Most offline messages of an account; further ones are bounced. 0: no offline messages."),
    INT(roster_max, "5000", 1, 5000, "Most items of a roster."),
    INT(requests_max, "500", 0, 5000,
	"Most subscription requests an account keeps from people who are not in its roster."),
    INT(window_bytes, "262144", 4096, 16777216,
	"Bytes given to an edge for one session and not yet written to its client."),
    INT(queue_bytes, "2097152", 4096, 67108864,
	"Bytes that wait behind the window, and behind offline messages that wait there; over it the session is closed."),
    INT(queues_bytes, "2097152", 4096, 1073741824,
	"The same over all sessions: over it the one with the longest queue is closed. Must be well below the"
	" window of the bus (4 MiB), or clients that do not read would hold up all others."),
    INT(stall_seconds, "60", 1, 3600,
	"How long a session with a full window may make no progress before it is closed."),
    INT(resume_seconds, "600", 0, 86400,
	"How long a session whose connection was lost may be resumed (XEP-0198); 0: not at all. It is seen as before meanwhile."),
    INT(detached_per_account, "10", 1, 100,
	"Most sessions of an account that wait to be resumed; over it the oldest of them ends."),
    {.name = "archive",
	.type = SETTING_ENUM,
	.offset = AT(archive),
	.def = "always",
	.text = "off|always|roster",
	.help =
	    "Message archives (XEP-0313): off: there are none; always: everything worth it, unless the user wants it"
	    " otherwise; roster: the same, with contacts only."},
    BOOL(archive_preferences, "true",
	"Users may say what of theirs is archived (XEP-0441). false: the setting archive alone decides, and what they"
	" have said does not count."),
    INT(archive_queries, "10", 1, 1000,
	"Requests to the archive of one account that may be open at a time; more are put off (resource-constraint)."),
    {.name = "domain",
	.type = SETTING_SECTIONS,
	.offset = AT(archive_domains),
	.section = domain_table,
	.section_size = sizeof(struct archive_domain),
	.help = "What is different for one domain."},
    {.name = "privilege",
	.type = SETTING_SECTIONS,
	.offset = AT(privileges),
	.section = privilege_table,
	.section_size = sizeof(struct privilege),
	.help = "What a component may beyond what all may (XEP-0356); its name is the title."},
    {.name = "delegation",
	.type = SETTING_SECTIONS,
	.offset = AT(delegations),
	.section = delegation_table,
	.section_size = sizeof(struct delegation),
	.help =
	    "A namespace, the title, of requests that a component answers (XEP-0355); what it can do with it stands in disco#info."},
    {.name = "client_delegation",
	.type = SETTING_LIST,
	.offset = AT(client_delegation),
	.def = "{}",
	.max = 512,
	.check = delegation_check_namespace,
	.help =
	    "Namespaces that users may hand over to somebody of their roster who asks for it, until their session ends"
	    " (XEP-0355, client mode); none: users are not asked."},
    {.name = NULL},
};

int
sessiond_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct sessiond_settings *s = settings;

	return privilege_check(&s->privileges, err) != 0 ? -1 : delegation_check(d, s, err);
}
