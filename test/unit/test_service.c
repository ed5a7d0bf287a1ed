/* common/service/service.c: the life of a daemon, by one that says in which of its hooks it is. As root it is confined like the
 * others; its suite lies in a folder whose path is longer than a socket's name may be. */
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
};

#define AT(member) offsetof(struct dummy_settings, member)

static const struct setting table[] = {
    {.name = "number", .type = SETTING_INT, .offset = AT(number), .def = "1", .min = 0, .max = 99},
    {.name = "limit", .type = SETTING_INT, .offset = AT(limit), .def = "50", .min = 0, .max = 99},
    {.name = "hold", .type = SETTING_BOOL, .offset = AT(hold), .def = "false"},
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
    .reloaded = dummy_reloaded,
    .control = dummy_control,
    .stop = dummy_stop,
    .listeners = dummy_listeners,
};

/* ---- its suite ---- */

static char dir[300];
static char said[16384]; /* by the one that runs */
static size_t n_said;
static int said_fd = -1;
static pid_t running;

static void
make_folder(const char *name)
{
	if (mkdir(name, 0755) != 0)
		bug("%s: %s", name, strerror(errno));
}

static int
setup(void **state)
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

static int
teardown(void **state)
{
	(void)state;
	if (running > 0) {
		kill(running, SIGKILL);
		waitpid(running, NULL, 0);
		close(said_fd);
		running = 0;
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

/* The ones that run stay in `running`; what they say in `said`. */
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
	said[0] = 0;
	return pid;
}

static void
start(void)
{
	running = spawn(NULL, NULL);
}

/* False at the end. */
static bool
hear(void)
{
	struct pollfd p = {.fd = said_fd, .events = POLLIN};
	ssize_t n = poll(&p, 1, PATIENCE_MS) == 1
	    ? read(said_fd, said + n_said, sizeof(said) - 1 - n_said)
	    : 0;

	if (n <= 0)
		return false;
	n_said += (size_t)n;
	said[n_said] = 0;
	return true;
}

static void
wait_for(const char *text)
{
	while (!strstr(said, text))
		if (!hear())
			fail_msg("not said: %s; but:\n%s", text, said);
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

static int
wait_end(void)
{
	pid_t pid = running;

	running = 0;
	return wait_end_of(pid);
}

static void
expect_order(const char *const *texts)
{
	const char *at = said;

	for (; *texts; texts++) {
		at = strstr(at, *texts);
		if (!at)
			fail_msg("not said, or too early: %s; but:\n%s", *texts, said);
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

static const char *
ask(const char *line, const int *fds, unsigned n_fds)
{
	static char answer[4096];
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(2 * sizeof(int))] = {0};
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

static const char *
reload_with(const char *text)
{
	const char *answer;
	int fds[2];

	scratch_write("etc/dummy.conf", text);
	fds[0] = open("etc/jackdaw.conf", O_RDONLY | O_CLOEXEC);
	fds[1] = open("etc/dummy.conf", O_RDONLY | O_CLOEXEC);
	answer = ask("reload\n", fds, 2);
	close(fds[0]);
	close(fds[1]);
	return answer;
}

/* ---- the tests ---- */

static void
test_life(void **state)
{
	struct stat st;

	(void)state;
	start();
	wait_for(" ready\n");
	assert_int_equal(stat("c2sd/keyd.sock", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_non_null(strstr(ask("status\n", NULL, 0), "ok\ndummy.0 "));
	assert_non_null(strstr(ask("status\n", NULL, 0), " ready - "));
	assert_string_equal(ask("hello\n", NULL, 0), "ok\n");
	assert_string_equal(
	    ask("nonsense\n", NULL, 0), "error: dummy.0 does not know this command\n");
	assert_string_equal(
	    ask("log loud\n", NULL, 0), "error: the levels are debug, info, warn and error\n");
	kill(running, SIGHUP);
	wait_for("SIGHUP is ignored");
	assert_string_equal(ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(wait_end(), 0);
	expect_order(
	    (const char *const[]){"hook open, instance 0", "hook threads, loop 1, passwd -1",
		"hook start", " ready\n", "SIGHUP", "stopping", "hook stop", NULL});
}

static void
test_sigterm(void **state)
{
	(void)state;
	start();
	wait_for(" ready\n");
	kill(running, SIGTERM);
	assert_int_equal(wait_end(), 0);
	assert_non_null(strstr(said, "hook stop"));
}

static void
test_hold(void **state)
{
	(void)state;
	scratch_write("etc/dummy.conf", "hold = true\n");
	start();
	wait_for("hook start");
	assert_non_null(strstr(ask("status\n", NULL, 0), " starting - "));
	/* Settings come through while it is held. */
	assert_string_equal(reload_with("number = 2\nhold = true\n"), "ok\n");
	wait_for("hook reloaded, number 2, was 1");
	assert_null(strstr(said, " ready\n"));
	assert_string_equal(ask("release\n", NULL, 0), "ok\n");
	wait_for(" ready\n");
	assert_non_null(strstr(ask("status\n", NULL, 0), " ready - "));
}

static void
test_reload(void **state)
{
	int fds[2];

	(void)state;
	start();
	wait_for(" ready\n");
	assert_string_equal(reload_with("number = 3\n"), "ok\n");
	wait_for("hook reloaded, number 3, was 1");
	assert_string_equal(reload_with("\nnumber = 300\n"),
	    "error: dummy.conf:2: number: 300 is not within 0 and 99\n");
	assert_string_equal(reload_with("limit = 4\nnumber = 5\n"),
	    "error: dummy.conf:2: number is larger than limit; lower it\n");
	assert_string_equal(
	    ask("reload\n", NULL, 0), "error: reload takes the two files as descriptors\n");
	fds[0] = open("etc/jackdaw.conf", O_RDONLY | O_CLOEXEC);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	fds[1] = open("fifo", O_RDWR | O_CLOEXEC);
	assert_string_equal(ask("reload\n", fds, 2), "error: dummy.conf: is not a regular file\n");
	close(fds[1]);
	/* One that was read before, and one that may be missing. */
	assert_true(lseek(fds[0], 0, SEEK_END) > 0);
	fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_string_equal(ask("reload\n", fds, 2), "ok\n");
	wait_for("hook reloaded, number 1, was 3");
	close(fds[0]);
	close(fds[1]);
	assert_string_equal(ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(wait_end(), 0);
}

/* Before the loop ran at all. */
static void
test_quit_while_starting(void **state)
{
	(void)state;
	scratch_write("etc/dummy.conf", "quit = true\n");
	start();
	assert_int_equal(wait_end(), 0);
	expect_order((const char *const[]){"hook start", "stopping", "hook stop", NULL});
	assert_null(strstr(said, " ready\n"));
}

static void
test_notify(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timeval patience = {.tv_sec = 20};
	char text[32] = "";

	(void)state;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/notify", scratch_path());
	setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(server, (struct sockaddr *)&at, sizeof(at)), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	start();
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(recv(server, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "READY=1");
	assert_string_equal(ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(recv(server, text, sizeof(text) - 1, 0), 10);
	assert_memory_equal(text, "STOPPING=1", 10);
	assert_int_equal(wait_end(), 0);
	close(server);
}

/* One that ends by itself, maybe beside the one that runs. */
static int
run(const char *a, const char *b)
{
	int fd = said_fd, status = wait_end_of(spawn(a, b));

	said_fd = fd;
	return status;
}

static void
test_second_instance(void **state)
{
	char want[64];

	(void)state;
	start();
	wait_for(" ready\n");
	assert_int_equal(run(NULL, NULL), 1);
	snprintf(want, sizeof(want), "dummy.0 runs already (pid %ld)", (long)running);
	assert_non_null(strstr(said, want));
	kill(running, SIGKILL);
	waitpid(running, NULL, 0);
	close(said_fd);
	start();
	wait_for(" ready\n");
}

static void
test_modes(void **state)
{
	(void)state;
	scratch_write("etc/dummy.conf", "number = 5\n");
	assert_int_equal(run("-n", NULL), 0);
	assert_string_equal(said, "dummy: the settings are good\n");
	assert_int_equal(run("-nn", NULL), 0);
	assert_non_null(strstr(said, "\nnumber = 5\t# default: 1\n"));
	assert_non_null(strstr(said, "domains = {\"localhost\"}"));
	assert_int_equal(run("-L", NULL), 0);
	assert_string_equal(said, "door * 5222\n");
	assert_int_equal(run("--sample", NULL), 0);
	assert_non_null(strstr(said, "#number = 1\n"));
	assert_int_equal(run("--version", NULL), 0);
	assert_int_equal(run("--nonsense", NULL), 2);
	assert_int_equal(run("--instance", "256"), 2);
}

static void
test_broken_settings(void **state)
{
	static const struct {
		const char *suite, *own, *error;
	} cases[] = {
	    {"", "number = x\n", "dummy.conf:1: number: \"x\" is no whole number"},
	    {"", "\nnumber = 51\n", "dummy.conf:2: number is larger than limit; lower it\n"},
	    {"nonsense = 1\n", "", "jackdaw.conf:1: no such option 'nonsense'"},
	    {"\ndomains = {\"a b\"}\n", "", "jackdaw.conf:2: domains: \"a b\" is no domain name\n"},
	    {"domains = {a.example,\n A.example}\n", "",
		"jackdaw.conf:2: domains: a.example stands there twice\n"},
	    {"domains = {a.example}\ncomponents = {a.example}\n", "",
		"jackdaw.conf:2: components: a.example stands in domains too\n"},
	    {"admins = {root}\n", "",
		"jackdaw.conf:1: admins: \"root\" is no bare JID (user@domain)\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		scratch_write("etc/jackdaw.conf", cases[i].suite);
		scratch_write("etc/dummy.conf", cases[i].own);
		assert_int_equal(run("-n", NULL), 1);
		if (!strstr(said, cases[i].error))
			fail_msg("%s: not %s", said, cases[i].error);
	}
}

/* Beside the one that runs, and leaving its sockets alone. */
static void
test_self_test(void **state)
{
	struct stat before, after;

	(void)state;
	start();
	wait_for(" ready\n");
	assert_int_equal(stat("c2sd/keyd.sock", &before), 0);
	assert_int_equal(run("--self-test", NULL), 0);
	assert_non_null(strstr(said, "run a program: refused (seccomp)\n"));
	assert_null(strstr(said, "POSSIBLE"));
	assert_null(strstr(said, "hook"));
	assert_int_equal(stat("c2sd/keyd.sock", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_string_equal(ask("hello\n", NULL, 0), "ok\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_life),
	    TEST(test_sigterm),
	    TEST(test_hold),
	    TEST(test_reload),
	    TEST(test_quit_while_starting),
	    TEST(test_notify),
	    TEST(test_second_instance),
	    TEST(test_modes),
	    TEST(test_broken_settings),
	    TEST(test_self_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
