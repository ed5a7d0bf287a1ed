/* What the programs with many clients share, load and the swarm of test/faults: who has something to write, and what is said of
 * errors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "load.h"

#define SHOWN_ERRORS 20

void
load_error(struct load *l, const struct client *c, const char *what, struct slice shown)
{
	if (l->errors++ < SHOWN_ERRORS)
		fprintf(stderr, "%s: u%06u (state %u): %s: %.*s\n", program_invocation_short_name,
		    c->index, (unsigned)c->state, what, (int)(shown.len < 600 ? shown.len : 600),
		    shown.p ? shown.p : "");
}

void
load_mark_dirty(struct client *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->load->dirty[c->load->dirty_count++] = c;
}

void
load_watch(struct client *c, bool wants_out)
{
	if (c->wants_out == wants_out)
		return;
	c->wants_out = wants_out;
	load_watch_again(c);
}

void
load_watch_again(struct client *c)
{
	struct epoll_event e = {(c->deaf ? 0 : EPOLLIN) | (c->wants_out ? EPOLLOUT : 0), {.ptr = c}};

	epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

/* One that goes down meanwhile may mark itself again. */
void
load_flush(struct load *l)
{
	unsigned n = l->dirty_count;

	for (unsigned i = 0; i < n; i++) {
		l->dirty[i]->dirty = false;
		client_flush(l->dirty[i]);
	}
	memmove(l->dirty, l->dirty + n, (l->dirty_count - n) * sizeof(struct client *));
	l->dirty_count -= n;
}
