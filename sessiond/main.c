/* sessiond: see README.md. */
#include "sessiond.h"

static const int SYSCALLS[] = {-1};

static const struct sandbox sandbox = {
    .syscalls = SYSCALLS,
    .max_files = 64,
};

static const struct service sessiond = {
    .name = "sessiond",
    .role = ROLE_SESSIOND,
    .summary = "keeps the sessions of users and the rules of presence and messages",
    .settings = sessiond_settings_table,
    .settings_size = sizeof(struct sessiond_settings),
    .check = sessiond_check,
    .sandbox = &sandbox,
    .start = sessiond_start,
    .reloaded = sessiond_reloaded,
    .stop = sessiond_stop,
    .handlers = sessiond_handlers,
    .events = &sessiond_events,
};

int
main(int argc, char **argv)
{
	return service_main(&sessiond, argc, argv);
}
