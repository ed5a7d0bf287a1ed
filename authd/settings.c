/* authd's settings: etc/authd.conf. Figures are those of SECURITY.md §4.3. */
#include "authd.h"

#include "penalty.h"

#define HOUR_MS 3600000u
#define AT(member) offsetof(struct authd_settings, member)
#define INT(key, ...) SETTING_INT_ROW(#key, AT(key), __VA_ARGS__)
#define BOOL(key, ...) SETTING_BOOL_ROW(#key, AT(key), __VA_ARGS__)

const struct setting authd_settings_table[] = {
    INT(iterations, "10000", CREDENTIAL_ITERATIONS_MIN, 10000000,
	"PBKDF2 rounds of new passwords; an account keeps its count until its next password"),
    INT(workers, "2", 1, 64, "threads that derive keys from passwords", .at_start = true),
    INT(exchanges, "4096", 1, 100000,
	"logins under way at a time; more are put off with temporary-auth-failure"),
    INT(exchange_seconds, "30", 1, 600, "how long one login may take"),
    INT(ticket_seconds, "60", 5, 600, "how long after its login a client may bind a resource"),
    INT(failures, "20", 1, 100000,
	"failed logins that a source or account may have in failures_seconds"),
    INT(failures_seconds, "600", 1, 86400,
	"see failures; also how long without a failure until penalties are forgotten"),
    INT(penalty_first, "5", 0, 3600,
	"seconds that the first answer over the limit waits; each failure doubles it"),
    INT(penalty_most, "600", 0, 86400, "seconds that an answer waits at most"),
    {.name = "exempt",
	.type = SETTING_LIST,
	.offset = AT(exempt),
	.def = "{127.0.0.0/8, \"::1\"}",
	.max = 64,
	.check = network_check,
	.help = "networks whose failed logins have no penalty"},
    INT(registrations, "3", 1, 1000000,
	"accounts that a source may ask for in an hour, where jackdaw.conf allows registration; exempt networks as many as they like"),
    INT(password_min, "8", 1, 1024,
	"characters that a password must have which a user chooses; the operator's are as they are"),
    INT(disk_warn_megabytes, "1024", 0, 16777216,
	"with less room than this on its file system, authd warns in the log"),
    INT(disk_full_megabytes, "16", 0, 16777216,
	"with less than this no account is made and no password changed; at most disk_warn_megabytes"),
    INT(ballast_megabytes, "16", 0, 65536,
	"size of the file data/ballast, which is given up when the disk is full so that accounts can be removed; 0: none"),
    BOOL(sign_offer, "true",
	"SCRAM signs the list of mechanisms and channel bindings that was offered (XEP-0474), so that clients notice"
	" when somebody has changed it; off for clients that cannot bear an attribute they do not know"),
    BOOL(client_certificates, "false",
	"c2sd may say that a client has shown a certificate of an account, which is logged in then without a password (SASL"
	" EXTERNAL); without it somebody who has broken into c2sd can be no user who does not come by"),
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
