/* Time that passes in a daemon's thread, so that a kill finds it there. */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <time.h>

/* The sandbox has no sleep; nobody signals this. */
static inline void
wait_ms(long ms)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_nsec += ms * 1000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	while (pthread_cond_timedwait(&never, &lock, &end) != ETIMEDOUT)
		continue;
	pthread_mutex_unlock(&lock);
}
