/* s2sd: see README.md. */
#include "s2sd.h"

#include "dns/dns.h"

static const struct sandbox sandbox = {
    .syscalls = dialer_syscalls,
    .accept = true,
    .inet_connect = true,
    .threads = 8 + DNS_THREADS,
    .max_files = 1 << 20,
    .max_file_size = 0,
};

static const struct service s2sd = {
    .name = "s2sd",
    .role = ROLE_S2SD,
    .summary = "federation: streams with other servers, DNS, TLS, dialback",
    .settings = s2sd_settings_table,
    .settings_size = sizeof(struct s2sd_settings),
    .check = s2sd_check,
    .sandbox = &sandbox,
    .open = s2sd_open,
    .threads = s2sd_threads,
    .start = s2sd_start,
    .take_files = s2sd_take_files,
    .reloaded = s2sd_reloaded,
    .control = s2sd_control,
    .drain = s2sd_drain,
    .stop = s2sd_stop,
    .listeners = s2sd_print_listeners,
    .handlers = s2sd_handlers,
    .events = &s2sd_events,
};

int
main(int argc, char **argv)
{
	return service_main(&s2sd, argc, argv);
}
