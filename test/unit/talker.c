/* See talker.h. */
#include "talker.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/bus_private.h"
#include "loop/loop_private.h"
#include "service/service.h"

int
talker_open(struct talker *t)
{
	int fds[2];

	*t = (struct talker){.fd = -1};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	t->fd = fds[0];
	return fds[1];
}

void
talker_close(struct talker *t)
{
	close(t->fd);
	t->fd = -1;
}

void
talker_hear(struct talker *t)
{
	while (t->fd >= 0 && !t->ended && t->n < sizeof(t->text) - 1) {
		ssize_t n = read(t->fd, t->text + t->n, sizeof(t->text) - 1 - t->n);

		if (n < 0 && errno == EAGAIN)
			break;
		t->ended = n <= 0;
		t->n += n > 0 ? (size_t)n : 0;
	}
	t->text[t->n] = '\0';
}

void
talker_wait(struct daemon *d)
{
	for (int i = 0; i < 6; i++) {
		loop_run_once(d->loop);
		if (d->bus)
			bus_core_turn(d->bus);
	}
}
