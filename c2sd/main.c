/* c2sd: see README.md. */
#include "c2sd.h"
#include "links.h"

static const struct sandbox sandbox = {
    .accept = true,
    .threads = 8,
    .max_files = 1 << 20,
    .max_file_size = 0,
};

static const struct service c2sd = {
    .name = "c2sd",
    .role = ROLE_C2SD,
    .summary = "client streams: TCP, TLS, XML, SASL framing, binding",
    .settings = c2sd_settings_table,
    .settings_size = sizeof(struct c2sd_settings),
    .check = c2sd_check,
    .sandbox = &sandbox,
    .open = c2sd_open,
    .threads = c2sd_threads,
    .start = c2sd_start,
    .take_files = c2sd_take_files,
    .reloaded = c2sd_reloaded,
    .stop = c2sd_stop,
    .listeners = c2sd_print_listeners,
    .handlers = c2sd_handlers,
    .events = &c2sd_events,
};

int
main(int argc, char **argv)
{
	return service_main(&c2sd, argc, argv);
}
