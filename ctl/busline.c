/* See busline.h. One per run of the program, used by accounts.c and session.c.
 *
 *   LINKING --linked--> WAITING_FOR_PEER --peer_new of the wanted role--> READY
 *
 * Each run needs an instance of its own on the bus, or the router would take it for a successor of another run that is
 * not done yet: it is the number of a lock file in the role's folder. */
#include "busline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/mem.h"
#include "bus/seal.h"
#include "suite.h"

#define LINK_MS 3000
#define INSTANCES 32
#define BUSY_TRIES 100 /* times 100 ms, when all instances are taken */

struct busline {
	struct loop *loop;
	struct bus *bus;
	struct loop_timer *timer;
	struct bus_config config;
	enum role wanted;
	int lock_fd;
	bool has_peer;
	struct seal seal;
	uint8_t public_key[SEAL_KEY_BYTES];
};

/* ---- which instance ---- */

/* Another member of admin_group may have made it: what is there is not made, which the kernel may forbid, and only read. */
static int
open_lock(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = openat(dir, name, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd >= 0)
		(void)!fchmod(fd, 0640);
	return fd;
}

static int
lock_one(int dir, unsigned instance)
{
	char name[32];

	snprintf(name, sizeof(name), "ctl.%u.lock", instance);
	int fd = open_lock(dir, name);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The instance, or -1. */
static int
take_instance(struct busline *l, int dir, struct err *err)
{
	for (unsigned try = 0; try < BUSY_TRIES; try++) {
		for (unsigned i = 0; i < INSTANCES; i++) {
			l->lock_fd = lock_one(dir, i);
			if (l->lock_fd >= 0)
				return (int)i;
		}
		if (errno != EWOULDBLOCK)
			return err_set(err, "cannot lock in the folder of ctl: %s", strerror(errno));
		usleep(100000);
	}
	return err_set(err, "%d other jackdawctl are at work; try again", INSTANCES);
}

/* ---- events ---- */

/* The same key pair for every authd that comes: frames sealed for one may be replayed to its successor. */
static void
on_peer_new(void *ctx, const struct endpoint *peer)
{
	struct busline *l = ctx;
	struct msg_SEAL_KEY key = {.public_key = str_of(l->public_key, sizeof(l->public_key))};

	if (peer->role == ROLE_AUTHD && l->wanted == ROLE_AUTHD)
		bus_send(l->bus, peer, MSG_SEAL_KEY, &key, NULL, NULL, 0);
	if (peer->role == l->wanted) {
		l->has_peer = true;
		loop_stop(l->loop);
	}
}

static void
on_timer(void *ctx)
{
	struct busline *l = ctx;

	loop_stop(l->loop);
}

static const struct bus_handler handlers[] = {{0}};
static const struct bus_events events = {.peer_new = on_peer_new};

/* ---- life ---- */

static int
start_seal(struct busline *l, int dir, struct err *err)
{
	uint8_t authd_public[SEAL_KEY_BYTES];
	int fd = openat(dir, "authd.pub", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, authd_public, sizeof(authd_public)) : -1;

	if (fd < 0)
		return err_set(err, "authd.pub in the folder of ctl: %s; jackdawctl init makes it",
		    strerror(errno));
	close(fd);
	if (n != sizeof(authd_public) || !seal_start_client(&l->seal, authd_public, l->public_key))
		return err_set(
		    err, "authd.pub in the folder of ctl is damaged; copy it from authd's folder");
	return 0;
}

static int
await_peer(struct busline *l, struct err *err)
{
	loop_timer_start(l->timer, LINK_MS, 0);
	if (!l->has_peer)
		loop_run(l->loop);
	loop_timer_stop(l->timer);
	if (l->has_peer)
		return 0;
	if (!bus_is_linked(l->bus))
		return err_set(err, "the router is down (see jackdawctl status)");
	return err_set(
	    err, "%s is not linked to the router (see jackdawctl status)", role_name(l->wanted));
}

static int
open_in(struct busline *l, int dir, struct err *err)
{
	int instance = take_instance(l, dir, err);

	if (instance < 0 || (l->wanted == ROLE_AUTHD && start_seal(l, dir, err) != 0))
		return -1;
	/* The socket is named relative to the working directory. */
	if (fchdir(dir) != 0)
		return err_set(err, "cannot enter the folder of ctl: %s", strerror(errno));
	l->config = (struct bus_config){.role = ROLE_CTL,
	    .instance = (uint8_t)instance,
	    .socket_path = "router.sock",
	    .handlers = handlers,
	    .events = &events,
	    .ctx = l};
	l->bus = bus_new(l->loop, &l->config);
	return await_peer(l, err);
}

struct busline *
busline_open(struct ctl *c, enum role wanted, struct err *err)
{
	struct busline *l = NEW(struct busline);
	int dir = suite_role_dir(c, ROLE_CTL, err);

	id_init();
	l->wanted = wanted;
	l->lock_fd = -1;
	l->loop = loop_new();
	l->timer = loop_timer_new(l->loop, on_timer, l);
	if (dir < 0 || open_in(l, dir, err) != 0)
		busline_close(&l);
	if (dir >= 0)
		close(dir);
	return l;
}

void
busline_close(struct busline **lp)
{
	struct busline *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	bus_free(&l->bus);
	loop_timer_free(&l->timer);
	loop_free(&l->loop);
	seal_deinit(&l->seal);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l);
}

struct bus *
busline_bus(struct busline *l)
{
	return l->bus;
}

void
busline_seal(struct busline *l, struct str plain, struct buf *out)
{
	seal_close(&l->seal, plain, out);
}

/* An open request. */
struct question {
	struct busline *line;
	bus_answer_fn *fn;
	void *arg;
};

static void
on_answer(void *arg, const struct bus_in *in, const void *msg)
{
	struct question *q = arg;

	q->fn(q->arg, in, msg);
	loop_stop(q->line->loop);
	free(q);
}

void
busline_send(struct busline *l, const struct endpoint *to, enum msg_type type, void *msg,
    bus_answer_fn *fn, void *arg)
{
	struct question *q = NEW(struct question);

	*q = (struct question){.line = l, .fn = fn, .arg = arg};
	bus_request(l->bus, to, type, msg, NULL, NULL, BUSLINE_ANSWER_MS, on_answer, q);
}

void
busline_run(struct busline *l, const unsigned *pending, unsigned most)
{
	while (*pending > most)
		loop_run(l->loop);
}
