/* storaged: see README.md. */
#include "backup.h"
#include "files.h"

static const int SYSCALLS[] = {-1};

static const struct sandbox sandbox = {
    .syscalls = SYSCALLS,
    .files = true,
    .threads = 5,
    .max_files = 64,
    .max_file_size = UINT64_MAX,
};

static const struct service storaged = {
    .name = "storaged",
    .role = ROLE_STORAGED,
    .summary = "keeps everything durable but credentials",
    .settings = storaged_settings_table,
    .settings_size = sizeof(struct storaged_settings),
    .check = storaged_check,
    .sandbox = &sandbox,
    .threads = storaged_threads,
    .start = storaged_start,
    .stop = storaged_stop,
    .control = storaged_control,
    .handlers = storaged_handlers,
    .events = &storaged_events,
};

int
main(int argc, char **argv)
{
	return service_main(&storaged, argc, argv);
}
