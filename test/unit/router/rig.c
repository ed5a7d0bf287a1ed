/* See rig.h. */
#include "rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static const enum role roles[] = {ROLE_C2SD, ROLE_SESSIOND, ROLE_STORAGED, ROLE_AUTHD, ROLE_CTL};
static char folder[64];

const char *
rig_socket(enum role role)
{
	static char name[ROLE_COUNT][32];
	snprintf(name[role], sizeof(name[role]), "%s.sock", role_name(role));
	return name[role];
}

void
rig_enter(void)
{
	snprintf(folder, sizeof(folder), "/tmp/jackdaw-router-XXXXXX");
	if (!mkdtemp(folder) || chdir(folder) != 0)
		bug("cannot make %s", folder);
}

void
rig_leave(void)
{
	for (unsigned i = 0; i < COUNT(roles); i++)
		unlink(rig_socket(roles[i]));
	if (chdir("/") == 0)
		rmdir(folder);
}

int
rig_listen(enum role role)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", rig_socket(role));
	unlink(a.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 64) != 0)
		bug("cannot listen on %s", a.sun_path);
	return fd;
}

struct hub *
rig_hub(struct loop *loop)
{
	const struct rec_route routes[] = {
	    {.domain = S("example.org"), .role = ROLE_SESSIOND, .instances = 1}};
	struct hub *h = hub_new(loop);
	hub_set_routes(h, routes, COUNT(routes));
	for (unsigned i = 0; i < COUNT(roles); i++) {
		struct door_rule rule = {.role = roles[i], .uid = getuid(), .group = (gid_t)-1};
		hub_open_door(h, rig_listen(roles[i]), &rule);
	}
	return h;
}

pid_t
rig_spawn(void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn(arg);
	_exit(0);
}

void
rig_kill(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

static void
run_router(void *arg)
{
	(void)arg;
	struct loop *loop = loop_new();
	rig_hub(loop);
	loop_run(loop);
}

pid_t
rig_router(void)
{
	return rig_spawn(run_router, NULL);
}
