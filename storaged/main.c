/* storaged: see README.md. */
#include <string.h>

#include "backup.h"
#include "base/log.h"
#include "files.h"
#include "repair.h"

static const int SYSCALLS[] = {-1};

static const struct sandbox sandbox = {
    .syscalls = SYSCALLS,
    .files = true,
    .threads = 5,
    .max_files = 64,
    .max_file_size = UINT64_MAX,
};

#define STORAGED                                                                                \
	.name = "storaged", .role = ROLE_STORAGED,                                              \
	.summary = "keeps everything durable but credentials",                                  \
	.settings = storaged_settings_table, .settings_size = sizeof(struct storaged_settings), \
	.check = storaged_check, .sandbox = &sandbox

static const struct service storaged = {
    STORAGED,
    .threads = storaged_threads,
    .start = storaged_start,
    .stop = storaged_stop,
    .control = storaged_control,
    .handlers = storaged_handlers,
    .events = &storaged_events,
};

static const struct service repair = {
    STORAGED,
    .start = repair_start,
    .stop = repair_stop,
};

int
main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[argc - 1], "--repair") != 0)
		return service_main(&storaged, argc, argv);
	argv[--argc] = NULL;
	log_set_level(LOG_WARN);
	return service_main(&repair, argc, argv);
}
