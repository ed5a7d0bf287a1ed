/* What authd may do once it runs: read and write below its own folder, talk over the sockets it
 * has. */
#include "authd.h"

#include <sys/syscall.h>

/* To give locked memory back at an orderly stop (sodium_free). */
static const int syscalls[] = {SYS_munlock, -1};

const struct sandbox authd_sandbox = {
    .syscalls = syscalls,
    .files = true,
    .lock_memory = true,
    .threads = 3, /* the store's, and as many workers as are set */
    .max_files = 64,
    .max_file_size = UINT64_MAX,
};
