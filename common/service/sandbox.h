/* What a daemon may still do once it runs, as one table each (DESIGN.md §5, SECURITY.md §2.2, §2.4). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sandbox {
	const int *syscalls; /* beyond the base set, up to -1 (SCMP_SYS numbers) */
	bool files; /* may open files below its own folder (authd, storaged): Landlock allows just that */
	bool inet_connect;  /* may make inet sockets (s2sd) */
	bool accept;        /* accepts connections */
	bool lock_memory;   /* keeps secrets out of the swap, by itself (keyd, authd) */
	unsigned threads;   /* RLIMIT_NPROC is not used: threads exist before; documents how many */
	uint64_t max_files; /* RLIMIT_NOFILE */
	uint64_t max_file_size; /* RLIMIT_FSIZE; 0 = no file may grow */
};
