/* The command table. */
#include "commands.h"

#define INIT_OPTIONS (OPTION_DOMAIN | OPTION_PORT_OFFSET)

const struct command commands[] = {
    {"init", NULL, "[--domain NAME …] [--port-offset N]", "makes a suite in D", 0, 0, INIT_OPTIONS,
	init_run},
    {"folders", NULL, "", "makes the folders that a boot has removed (for run scripts)", 0, 0, 0,
	folders_run},
    {"up", NULL, "[--detach] | DAEMON", "starts all daemons and keeps them running; or one", 0, 1,
	OPTION_DETACH, up_run},
    {"down", NULL, "[DAEMON]", "stops all daemons, or one", 0, 1, 0, down_run},
    {"restart", NULL, "[DAEMON]", "stops and starts them", 0, 1, 0, restart_run},
    {"reload", NULL, "[DAEMON]", "has them read their settings anew", 0, 1, 0, reload_run},
    {"check", NULL, "", "checks all settings", 0, 0, 0, check_run},
    {"status", NULL, "[DAEMON]", "shows what runs", 0, 1, 0, status_run},
    {"log", NULL, "DAEMON LEVEL", "sets a daemon's log level: debug, info, warn, error", 2, 2, 0,
	log_run},
    {"version", NULL, "", "shows the versions of all programs", 0, 0, 0, version_run},
    {"domain", "add", "NAME", "serves one more domain", 1, 1, 0, domain_add},
    {"domain", "del", "NAME", "stops serving a domain", 1, 1, 0, domain_del},
    {"domain", "list", "", "shows the domains", 0, 0, 0, domain_list},
    {"cert", "import", "DOMAIN KEYFILE CHAINFILE", "uses this key and certificate (PEM)", 3, 3, 0,
	cert_import},
    {"cert", "list", "", "shows the certificates", 0, 0, 0, cert_list},
    {"user", "add", "JID", "creates an account", 1, 1, 0, user_add},
    {"user", "passwd", "JID", "sets a password", 1, 1, 0, user_passwd},
    {"user", "del", "JID", "deletes an account with all that it has", 1, 1, 0, user_del},
    {"user", "list", "[DOMAIN]", "shows the accounts", 0, 1, 0, user_list},
    {"user", "import", "", "creates accounts; standard input has lines: JID password", 0, 0, 0,
	user_import},
    {"session", "list", "", "shows who is logged in", 0, 0, 0, session_list},
    {"session", "kick", "JID", "ends the sessions of a user", 1, 1, 0, session_kick},
    {"backup", NULL, "FILE", "writes settings, keys and all data to a file", 1, 1, 0, backup_run},
    {"restore", NULL, "FILE", "puts a backup back into a suite that is stopped", 1, 1, 0,
	restore_run},
    {NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};
