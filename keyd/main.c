/* keyd: holds the private keys of TLS and signs for the edges. See README.md. */

#include "keyd.h"
#include "life.h"

static const struct sandbox sandbox = {
    .accept = true,
    .lock_memory = true,
    .max_files = 2048,
    .max_file_size = PAIR_FILE_MAX, /* for files that jackdawctl hands over to be written */
};

static const struct service keyd = {
    .name = "keyd",
    .role = ROLE_KEYD,
    .summary = "holds the private keys of TLS and signs for the edges",
    .settings = keyd_settings_table,
    .settings_size = sizeof(struct keyd_settings),
    .sandbox = &sandbox,
    .open = keyd_open,
    .start = keyd_start,
    .reloaded = keyd_reloaded,
    .control = keyd_control,
    .stop = keyd_stop,
};

int
main(int argc, char **argv)
{
	return service_main(&keyd, argc, argv);
}
