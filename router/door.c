/* The listening socket of one role. Which role a connection has is decided here, by the folder of the socket and the
 * uid at its other end (SO_PEERCRED), before a byte is read. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "hub.h"

#define GROUPS_MAX 256

struct door {
	struct listener *listener;
	struct door_rule rule;
	unsigned n_links;
	void (*accepted)(void *ctx, int fd, enum role role);
	void *ctx;
};

static bool
is_in_group(int fd, const struct ucred *who, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof(groups);
	if (group == (gid_t)-1)
		return false;
	if (who->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
		return false;
	for (socklen_t i = 0; i < size / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool
door_admits(const struct door_rule *rule, int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
		return false;
	if (who.uid == rule->uid)
		return true;
	if (rule->operators && (who.uid == 0 || is_in_group(fd, &who, rule->group)))
		return true;
	log_warn("%s: a process of uid %u is not let in", role_name(rule->role), who.uid);
	return false;
}

static bool
may_accept(void *ctx)
{
	struct door *d = ctx;
	return d->n_links < LINKS_PER_ROLE;
}

static void
on_accepted(void *ctx, int fd)
{
	struct door *d = ctx;
	if (!door_admits(&d->rule, fd)) {
		close(fd);
		return;
	}
	d->n_links++;
	d->accepted(d->ctx, fd, d->rule.role);
}

struct door *
door_new(struct loop *loop, int fd, const struct door_rule *rule,
    void (*accepted)(void *ctx, int fd, enum role role), void *ctx)
{
	struct door *d = NEW(struct door);
	d->rule = *rule;
	d->accepted = accepted;
	d->ctx = ctx;
	d->listener = listener_new(loop, fd, may_accept, on_accepted, d);
	return d;
}

void
door_link_ended(struct door *d)
{
	d->n_links--;
	listener_resume(d->listener);
}

void
door_free(struct door **dp)
{
	if (!*dp)
		return;
	listener_free(&(*dp)->listener);
	free(*dp);
	*dp = NULL;
}
