/* See dummy.h. As root it is confined like the others. */
#include "dummy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "child.h"
#include "service/service.h"

#define PATIENCE_MS 20000

/* ---- the daemon ---- */

struct dummy_settings {
	int64_t number, limit;
	bool hold, quit;
	const char *words;
};

#define AT(member) offsetof(struct dummy_settings, member)

static const struct setting table[] = {
    {.name = "number", .type = SETTING_INT, .offset = AT(number), .def = "1", .min = 0, .max = 99},
    {.name = "limit",
	.at_start = true,
	.type = SETTING_INT,
	.offset = AT(limit),
	.def = "50",
	.min = 0,
	.max = 99},
    {.name = "hold", .type = SETTING_BOOL, .offset = AT(hold), .def = "false"},
    {.name = "words",
	.is_file = true,
	.type = SETTING_STRING,
	.offset = AT(words),
	.def = "",
	.max = 100},
    {.name = "quit", .type = SETTING_BOOL, .offset = AT(quit), .def = "false"},
    {.name = NULL},
};

static int
dummy_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct dummy_settings *s = settings;

	(void)d;
	if (s->number <= s->limit)
		return 0;
	return err_set(err, "number is larger than limit; lower it");
}

static int
dummy_open(struct daemon *d, struct err *err)
{
	log_info("hook open, instance %u", d->instance);
	return service_listen_unix(d, ROLE_C2SD, "keyd.sock", SOCK_SEQPACKET, err) < 0 ? -1 : 0;
}

static void *
thread_main(void *arg)
{
	(void)arg;
	for (;;)
		sleep(1000);
	return NULL;
}

static int
dummy_threads(struct daemon *d, struct err *err)
{
	pthread_t t;

	(void)err;
	/* Landlock is there already, and the user changed. */
	log_info("hook threads, loop %d, passwd %d", d->loop != NULL,
	    open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	return pthread_create(&t, NULL, thread_main, NULL) == 0 ? 0 : -1;
}

static const struct dummy_settings *
settings_of(const struct daemon *d)
{
	return d->settings;
}

static int
dummy_start(struct daemon *d, struct err *err)
{
	(void)err;
	log_info("hook start");
	if (settings_of(d)->hold)
		service_hold(d);
	if (settings_of(d)->quit)
		service_quit(d);
	return 0;
}

static int
dummy_take_files(struct daemon *d, const struct str *texts, struct err *err)
{
	(void)d;
	if (str_is(texts[0], "bad"))
		return err_set(err, "words: they are bad");
	log_info("hook take_files: \"%.*s\"", STR_ARG(texts[0]));
	return 0;
}

static void
dummy_reloaded(struct daemon *d, const void *old)
{
	log_info("hook reloaded, number %lld, was %lld", (long long)settings_of(d)->number,
	    (long long)((const struct dummy_settings *)old)->number);
}

static bool
dummy_control(struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	if (str_is(line, "release"))
		service_ready(d);
	else if (!str_is(line, "hello"))
		return false;
	buf_add_z(out, "ok\n");
	return true;
}

static void
dummy_stop(struct daemon *d)
{
	(void)d;
	log_info("hook stop");
}

static void
dummy_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx)
{
	(void)d;
	add(ctx, "door", "*", 5222);
}

static const struct sandbox sandbox = {.accept = true, .threads = 1, .max_files = 64};

static const struct service dummy = {
    .name = "dummy",
    .role = ROLE_SESSIOND,
    .summary = "says where it is",
    .settings = table,
    .settings_size = sizeof(struct dummy_settings),
    .check = dummy_check,
    .sandbox = &sandbox,
    .open = dummy_open,
    .threads = dummy_threads,
    .start = dummy_start,
    .take_files = dummy_take_files,
    .reloaded = dummy_reloaded,
    .control = dummy_control,
    .stop = dummy_stop,
    .listeners = dummy_listeners,
};

/* ---- its suite ---- */

static char dir[300];
char dummy_said[16384]; /* by the last one that was started */
static size_t n_said;
static int said_fd = -1;
pid_t dummy_pid;

static void
make_folder(const char *name)
{
	if (mkdir(name, 0755) != 0)
		bug("%s: %s", name, strerror(errno));
}

int
dummy_setup(void **state)
{
	char longest[140];

	(void)state;
	scratch_enter();
	memset(longest, 'd', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	make_folder(longest);
	snprintf(dir, sizeof(dir), "%s/%s", scratch_path(), longest);
	if (chdir(dir) != 0)
		return -1;
	make_folder("etc");
	make_folder("run");
	make_folder("sessiond");
	make_folder("c2sd");
	scratch_write("etc/jackdaw.conf", "domains = {localhost}\n");
	return 0;
}

int
dummy_teardown(void **state)
{
	(void)state;
	if (dummy_pid > 0) {
		kill(dummy_pid, SIGKILL);
		waitpid(dummy_pid, NULL, 0);
		close(said_fd);
		dummy_pid = 0;
	}
	scratch_leave();
	return 0;
}

static void
exec_main(const char *a, const char *b)
{
	const char *const argv[] = {"dummy", "--dir", dir, a, b, NULL};

	exit(service_main(&dummy, a ? b ? 5 : 4 : 3, (char **)(uintptr_t)argv));
}

/* The ones that run stay in dummy_pid; what they say in dummy_said. */
static pid_t
spawn(const char *a, const char *b)
{
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		bug("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDERR_FILENO);
		dup2(out[1], STDOUT_FILENO);
		exec_main(a, b);
	}
	close(out[1]);
	said_fd = out[0];
	n_said = 0;
	dummy_said[0] = 0;
	return pid;
}

void
dummy_start_it(void)
{
	dummy_pid = spawn(NULL, NULL);
}

/* False at the end. */
static bool
hear(void)
{
	struct pollfd p = {.fd = said_fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, PATIENCE_MS) == 1
	    ? read(said_fd, dummy_said + n_said, sizeof(dummy_said) - 1 - n_said)
	    : 0;

	if (n <= 0)
		return false;
	n_said += (size_t)n;
	dummy_said[n_said] = 0;
	return true;
}

void
dummy_wait_for(const char *text)
{
	while (!strstr(dummy_said, text))
		if (!hear())
			fail_msg("not dummy_said: %s; but:\n%s", text, dummy_said);
}

static int
wait_end_of(pid_t pid)
{
	int status;

	while (hear())
		continue;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(said_fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
dummy_wait_end(void)
{
	pid_t pid = dummy_pid;

	dummy_pid = 0;
	return wait_end_of(pid);
}

void
dummy_expect_order(const char *const *texts)
{
	const char *at = dummy_said;

	for (; at && *texts; texts++) {
		at = strstr(at, *texts);
		if (!at)
			fail_msg("not said, or too early: %s; but:\n%s", *texts, dummy_said);
	}
}

/* ---- asking it ---- */

static void
add_fds(struct msghdr *m, const int *fds, unsigned n)
{
	struct cmsghdr *h;

	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
}

const char *
dummy_ask(const char *line, const int *fds, unsigned n_fds)
{
	static char answer[4096];
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(3 * sizeof(int))] = {0};
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "sessiond/control.0.sock"};
	struct iovec iov = {.iov_base = (char *)(uintptr_t)line, .iov_len = strlen(line)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	ssize_t got;

	if (n_fds) {
		m.msg_control = space;
		add_fds(&m, fds, n_fds);
	}
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || sendmsg(fd, &m, 0) < 0)
		fail_msg("control socket: %s", strerror(errno));
	while ((got = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
		n += (size_t)got;
	answer[n] = 0;
	close(fd);
	return answer;
}

const char *
dummy_reload(const char *text)
{
	const char *answer;
	int fds[2];

	scratch_write("etc/dummy.conf", text);
	fds[0] = open("etc/jackdaw.conf", O_RDONLY | O_CLOEXEC);
	fds[1] = open("etc/dummy.conf", O_RDONLY | O_CLOEXEC);
	answer = dummy_ask("reload\n", fds, 2);
	close(fds[0]);
	close(fds[1]);
	return answer;
}

/* One that ends by itself, maybe beside the one that runs. */
int
dummy_run(const char *a, const char *b)
{
	int fd = said_fd, status = wait_end_of(spawn(a, b));

	said_fd = fd;
	return status;
}
