/* authd: see README.md. */
#include <string.h>

#include "authd.h"
#include "base/log.h"
#include "base/mem.h"
#include "offline.h"
#include "repair.h"

#define AUTHD                                                                               \
	.name = "authd", .role = ROLE_AUTHD, .summary = "accounts, credentials and logins", \
	.settings = authd_settings_table, .settings_size = sizeof(struct authd_settings),   \
	.check = authd_check, .sandbox = &authd_sandbox, .open = authd_open

static const struct service services[] = {
    {AUTHD, .threads = authd_threads, .start = authd_start, .reloaded = authd_reloaded,
	.control = authd_control, .stop = authd_stop, .handlers = authd_handlers,
	.events = &authd_events},
    {AUTHD, .start = offline_start, .stop = offline_stop},
    {AUTHD, .start = make_keys_start, .stop = offline_stop},
    {AUTHD, .start = repair_start, .stop = offline_stop},
};
static const char *const options[] = {"", "--offline", "--make-keys", "--repair"}; /* which service */

int
main(int argc, char **argv)
{
	size_t which = 0;

	for (size_t i = 1; i < COUNT(options); i++)
		if (argc > 1 && strcmp(argv[argc - 1], options[i]) == 0)
			which = i;
	if (which) {
		argv[--argc] = NULL;
		log_set_level(LOG_WARN);
	}
	return service_main(&services[which], argc, argv);
}
