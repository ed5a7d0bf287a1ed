/* componentd: see README.md. */
#include "componentd.h"

static const struct sandbox sandbox = {
    .accept = true,
    .threads = 8,
    .max_files = 1 << 16,
    .max_file_size = 0,
};

static const struct service componentd = {
    .name = "componentd",
    .role = ROLE_COMPONENTD,
    .summary = "external components: TCP, TLS, XML, the handshake of XEP-0114",
    .settings = componentd_settings_table,
    .settings_size = sizeof(struct componentd_settings),
    .check = componentd_check,
    .sandbox = &sandbox,
    .open = componentd_open,
    .threads = componentd_threads,
    .start = componentd_start,
    .reloaded = componentd_reloaded,
    .control = componentd_control,
    .drain = componentd_drain,
    .stop = componentd_stop,
    .listeners = componentd_print_listeners,
    .handlers = componentd_handlers,
    .events = &componentd_events,
};

int
main(int argc, char **argv)
{
	return service_main(&componentd, argc, argv);
}
