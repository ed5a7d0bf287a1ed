/* common/service/service.c: the life of a daemon, by a dummy (dummy.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "child.h"
#include "dummy.h"

static void
test_life(void **state)
{
	struct stat st;

	(void)state;
	dummy_start_it();
	dummy_wait_for(" ready\n");
	assert_int_equal(stat("c2sd/keyd.sock", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_non_null(strstr(dummy_ask("status\n", NULL, 0), "ok\ndummy.0 "));
	assert_non_null(strstr(dummy_ask("status\n", NULL, 0), " ready - "));
	assert_string_equal(dummy_ask("hello\n", NULL, 0), "ok\n");
	assert_string_equal(
	    dummy_ask("nonsense\n", NULL, 0), "error: dummy.0 does not know this command\n");
	assert_string_equal(dummy_ask("log loud\n", NULL, 0),
	    "error: the levels are debug, info, warn and error\n");
	kill(dummy_pid, SIGHUP);
	dummy_wait_for("SIGHUP is ignored");
	assert_string_equal(dummy_ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(dummy_wait_end(), 0);
	dummy_expect_order(
	    (const char *const[]){"hook open, instance 0", "hook threads, loop 1, passwd -1",
		"hook start", " ready\n", "SIGHUP", "stopping", "hook stop", NULL});
}

static void
test_sigterm(void **state)
{
	(void)state;
	dummy_start_it();
	dummy_wait_for(" ready\n");
	kill(dummy_pid, SIGTERM);
	assert_int_equal(dummy_wait_end(), 0);
	assert_non_null(strstr(dummy_said, "hook stop"));
}

static void
test_hold(void **state)
{
	(void)state;
	scratch_write("etc/dummy.conf", "hold = true\n");
	dummy_start_it();
	dummy_wait_for("hook start");
	assert_non_null(strstr(dummy_ask("status\n", NULL, 0), " starting - "));
	/* Settings come through while it is held. */
	assert_string_equal(dummy_reload("number = 2\nhold = true\n"), "ok\n");
	dummy_wait_for("hook reloaded, number 2, was 1");
	assert_null(strstr(dummy_said, " ready\n"));
	assert_string_equal(dummy_ask("release\n", NULL, 0), "ok\n");
	dummy_wait_for(" ready\n");
	assert_non_null(strstr(dummy_ask("status\n", NULL, 0), " ready - "));
}

/* The sandbox opens no file: the one that a setting names comes with the reload. */
static void
test_reload_brings_the_named_files(void **state)
{
	int fds[3];

	(void)state;
	dummy_start_it();
	dummy_wait_for(" ready\n");
	scratch_write("etc/dummy.conf", "words = \"w\"\nnumber = 3\n");
	scratch_write("w", "bad");
	fds[0] = open("etc/jackdaw.conf", O_RDONLY | O_CLOEXEC);
	fds[1] = open("etc/dummy.conf", O_RDONLY | O_CLOEXEC);
	fds[2] = open("w", O_RDONLY | O_CLOEXEC);
	assert_string_equal(dummy_ask("reload\n", fds, 2),
	    "error: reload takes the file that words names as a descriptor\n");
	assert_string_equal(dummy_ask("reload\n", fds, 3), "error: words: they are bad\n");
	assert_null(strstr(dummy_said, "hook reloaded"));
	scratch_write("w", "good");
	assert_string_equal(dummy_ask("reload\n", fds, 3), "ok\n");
	dummy_wait_for("hook take_files: \"good\"");
	dummy_wait_for("hook reloaded, number 3, was 1");
	/* None is named any more. */
	assert_string_equal(dummy_reload("number = 4\n"), "ok\n");
	dummy_wait_for("hook take_files: \"\"");
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	assert_string_equal(dummy_ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(dummy_wait_end(), 0);
}

static void
test_reload(void **state)
{
	int fds[2];

	(void)state;
	dummy_start_it();
	dummy_wait_for(" ready\n");
	assert_string_equal(dummy_reload("number = 3\n"), "ok\n");
	dummy_wait_for("hook reloaded, number 3, was 1");
	assert_string_equal(dummy_reload("\nnumber = 300\n"),
	    "error: dummy.conf:2: number: 300 is not within 0 and 99\n");
	assert_string_equal(dummy_reload("limit = 4\nnumber = 5\n"),
	    "error: dummy.conf:2: number is larger than limit; lower it\n");
	/* read at the start only */
	assert_string_equal(dummy_reload("limit = 40\n"), "ok\ndummy.conf: limit\n");
	dummy_wait_for("dummy.conf: in force from the next start on: limit");
	assert_string_equal(dummy_reload("limit = 40\n"), "ok\ndummy.conf: limit\n");
	assert_string_equal(dummy_reload("number = 3\n"), "ok\n");
	assert_string_equal(
	    dummy_ask("reload\n", NULL, 0), "error: reload takes the two files as descriptors\n");
	fds[0] = open("etc/jackdaw.conf", O_RDONLY | O_CLOEXEC);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	fds[1] = open("fifo", O_RDWR | O_CLOEXEC);
	assert_string_equal(
	    dummy_ask("reload\n", fds, 2), "error: dummy.conf: is not a regular file\n");
	close(fds[1]);
	/* One that was read before, and one that may be missing. */
	assert_true(lseek(fds[0], 0, SEEK_END) > 0);
	fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_string_equal(dummy_ask("reload\n", fds, 2), "ok\n");
	dummy_wait_for("hook reloaded, number 1, was 3");
	close(fds[0]);
	close(fds[1]);
	assert_string_equal(dummy_ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(dummy_wait_end(), 0);
}

/* Before the loop ran at all. */
static void
test_quit_while_starting(void **state)
{
	(void)state;
	scratch_write("etc/dummy.conf", "quit = true\n");
	dummy_start_it();
	assert_int_equal(dummy_wait_end(), 0);
	dummy_expect_order((const char *const[]){"hook start", "stopping", "hook stop", NULL});
	assert_null(strstr(dummy_said, " ready\n"));
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
	dummy_start_it();
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(recv(server, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "READY=1");
	assert_string_equal(dummy_ask("stop\n", NULL, 0), "ok\n");
	assert_int_equal(recv(server, text, sizeof(text) - 1, 0), 10);
	assert_memory_equal(text, "STOPPING=1", 10);
	assert_int_equal(dummy_wait_end(), 0);
	close(server);
}

static void
test_second_instance(void **state)
{
	char want[64];

	(void)state;
	dummy_start_it();
	dummy_wait_for(" ready\n");
	assert_int_equal(dummy_run(NULL, NULL), 1);
	snprintf(want, sizeof(want), "dummy.0 runs already (pid %ld)", (long)dummy_pid);
	assert_non_null(strstr(dummy_said, want));
	kill(dummy_pid, SIGKILL);
	assert_int_equal(dummy_wait_end(), -SIGKILL);
	dummy_start_it();
	dummy_wait_for(" ready\n");
}

static void
test_modes(void **state)
{
	(void)state;
	scratch_write("etc/dummy.conf", "number = 5\nwords = w\n");
	assert_int_equal(dummy_run("-n", NULL), 0);
	assert_string_equal(dummy_said, "dummy: the settings are good\n");
	assert_int_equal(dummy_run("-nn", NULL), 0);
	assert_non_null(strstr(dummy_said, "\nnumber = 5\t# default: 1\n"));
	assert_non_null(strstr(dummy_said, "domains = {\"localhost\"}"));
	assert_int_equal(dummy_run("-L", NULL), 0);
	assert_string_equal(dummy_said, "door * 5222\n");
	assert_int_equal(dummy_run("-F", NULL), 0);
	assert_string_equal(dummy_said, "words w\n");
	assert_int_equal(dummy_run("--sample", NULL), 0);
	assert_non_null(strstr(dummy_said, "#number = 1\n"));
	assert_int_equal(dummy_run("--version", NULL), 0);
	assert_int_equal(dummy_run("--nonsense", NULL), 2);
	assert_int_equal(dummy_run("--instance", "256"), 2);
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
		assert_int_equal(dummy_run("-n", NULL), 1);
		if (!strstr(dummy_said, cases[i].error))
			fail_msg("%s: not %s", dummy_said, cases[i].error);
	}
}

/* Beside the one that runs, and leaving its sockets alone. */
static void
test_self_test(void **state)
{
	struct stat before, after;

	(void)state;
	dummy_start_it();
	dummy_wait_for(" ready\n");
	assert_int_equal(stat("c2sd/keyd.sock", &before), 0);
	assert_int_equal(dummy_run("--self-test", NULL), 0);
	assert_non_null(strstr(dummy_said, "run a program: refused (seccomp)\n"));
	assert_null(strstr(dummy_said, "POSSIBLE"));
	assert_null(strstr(dummy_said, "hook"));
	assert_int_equal(stat("c2sd/keyd.sock", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_string_equal(dummy_ask("hello\n", NULL, 0), "ok\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, dummy_setup, dummy_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_life),
	    TEST(test_sigterm),
	    TEST(test_hold),
	    TEST(test_reload),
	    TEST(test_reload_brings_the_named_files),
	    TEST(test_quit_while_starting),
	    TEST(test_notify),
	    TEST(test_second_instance),
	    TEST(test_modes),
	    TEST(test_broken_settings),
	    TEST(test_self_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
