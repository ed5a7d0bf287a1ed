/* authd's settings: etc/authd.conf. Figures are those of SECURITY.md §4.3. */
#include "authd.h"

#include "penalty.h"

#define HOUR_MS 3600000u
#define AT(member) offsetof(struct authd_settings, member)

const struct setting authd_settings_table[] = {
    {.name = "iterations",
	.type = SETTING_INT,
	.offset = AT(iterations),
	.def = "10000",
	.min = CREDENTIAL_ITERATIONS_MIN,
	.max = 10000000,
	.help = "PBKDF2 rounds of new passwords; an account keeps its count until its next password"},
    {.name = "workers",
	.at_start = true,
	.type = SETTING_INT,
	.offset = AT(workers),
	.def = "2",
	.min = 1,
	.max = 64,
	.help = "threads that derive keys from passwords"},
    {.name = "exchanges",
	.type = SETTING_INT,
	.offset = AT(exchanges),
	.def = "4096",
	.min = 1,
	.max = 100000,
	.help = "logins under way at a time; more are put off with temporary-auth-failure"},
    {.name = "exchange_seconds",
	.type = SETTING_INT,
	.offset = AT(exchange_seconds),
	.def = "30",
	.min = 1,
	.max = 600,
	.help = "how long one login may take"},
    {.name = "ticket_seconds",
	.type = SETTING_INT,
	.offset = AT(ticket_seconds),
	.def = "60",
	.min = 5,
	.max = 600,
	.help = "how long after its login a client may bind a resource"},
    {.name = "failures",
	.type = SETTING_INT,
	.offset = AT(failures),
	.def = "20",
	.min = 1,
	.max = 100000,
	.help = "failed logins that a source or account may have in failures_seconds"},
    {.name = "failures_seconds",
	.type = SETTING_INT,
	.offset = AT(failures_seconds),
	.def = "600",
	.min = 1,
	.max = 86400,
	.help = "see failures; also how long without a failure until penalties are forgotten"},
    {.name = "penalty_first",
	.type = SETTING_INT,
	.offset = AT(penalty_first),
	.def = "5",
	.min = 0,
	.max = 3600,
	.help = "seconds that the first answer over the limit waits; each failure doubles it"},
    {.name = "penalty_most",
	.type = SETTING_INT,
	.offset = AT(penalty_most),
	.def = "600",
	.min = 0,
	.max = 86400,
	.help = "seconds that an answer waits at most"},
    {.name = "exempt",
	.type = SETTING_LIST,
	.offset = AT(exempt),
	.def = "{127.0.0.0/8, \"::1\"}",
	.max = 64,
	.check = network_check,
	.help = "networks whose failed logins have no penalty"},
    {.name = "registrations",
	.type = SETTING_INT,
	.offset = AT(registrations),
	.def = "3",
	.min = 1,
	.max = 1000000,
	.help =
	    "accounts that a source may ask for in an hour, where jackdaw.conf allows registration; exempt networks as many as they like"},
    {.name = "password_min",
	.type = SETTING_INT,
	.offset = AT(password_min),
	.def = "8",
	.min = 1,
	.max = 1024,
	.help =
	    "characters that a password must have which a user chooses; the operator's are as they are"},
    {.name = "disk_warn_megabytes",
	.type = SETTING_INT,
	.offset = AT(disk_warn_megabytes),
	.def = "1024",
	.min = 0,
	.max = 16777216,
	.help = "with less room than this on its file system, authd warns in the log"},
    {.name = "disk_full_megabytes",
	.type = SETTING_INT,
	.offset = AT(disk_full_megabytes),
	.def = "16",
	.min = 0,
	.max = 16777216,
	.help =
	    "with less than this no account is made and no password changed; at most disk_warn_megabytes"},
    {.name = "ballast_megabytes",
	.type = SETTING_INT,
	.offset = AT(ballast_megabytes),
	.def = "16",
	.min = 0,
	.max = 65536,
	.help =
	    "size of the file data/ballast, which is given up when the disk is full so that accounts can be removed; 0: none"},
    {.name = "sign_offer",
	.type = SETTING_BOOL,
	.offset = AT(sign_offer),
	.def = "true",
	.help =
	    "SCRAM signs the list of mechanisms and channel bindings that was offered (XEP-0474), so that clients notice"
	    " when somebody has changed it; off for clients that cannot bear an attribute they do not know"},
    {.name = "client_certificates",
	.type = SETTING_BOOL,
	.offset = AT(client_certificates),
	.def = "false",
	.help =
	    "c2sd may say that a client has shown a certificate of an account, which is logged in then without a password (SASL"
	    " EXTERNAL); without it somebody who has broken into c2sd can be no user who does not come by"},
    {.name = NULL},
};

void
authd_penalty_limits(const struct authd_settings *s, struct penalty_limits *limits_r)
{
	*limits_r = (struct penalty_limits){
	    .failures = (unsigned)s->failures,
	    .window_ms = (uint64_t)s->failures_seconds * 1000,
	    .first_ms = (uint32_t)s->penalty_first * 1000,
	    .most_ms = (uint32_t)s->penalty_most * 1000,
	};
}

void
authd_registration_limits(const struct authd_settings *s, struct penalty_limits *limits_r)
{
	*limits_r = (struct penalty_limits){
	    .failures = (unsigned)s->registrations,
	    .window_ms = HOUR_MS,
	    .first_ms = HOUR_MS,
	    .most_ms = HOUR_MS,
	};
}

int
authd_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct authd_settings *s = settings;
	struct networks exempt;

	(void)d;
	if (s->penalty_first > s->penalty_most)
		return err_set(err, "penalty_first is larger than penalty_most; lower it");
	if (s->disk_full_megabytes > s->disk_warn_megabytes)
		return err_set(
		    err, "disk_full_megabytes is larger than disk_warn_megabytes; lower it");
	if (networks_set(&exempt, s->exempt.v, s->exempt.n, err) != 0)
		return err_prefix(err, "exempt");
	return 0;
}
