/* common/service/trap.c, self_test.c and landlock.c: the last words of a trapped process, the self-test's verdicts, a data folder that
 * is a link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "service/sandbox_private.h"

#define EXIT_TRAPPED 31

static const struct sandbox plain = {.max_files = 64};
static const struct sandbox files = {.files = true, .max_files = 64};
static const struct sandbox inet = {.inet_connect = true, .max_files = 64};

static int
setup(void **state)
{
	(void)state;
	scratch_enter();
	return mkdir("data", 0700);
}

static int
teardown(void **state)
{
	(void)state;
	scratch_leave();
	return 0;
}

static void
enter(const struct sandbox *s)
{
	struct err err;

	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(sandbox_landlock(s, &err) == 0);
	sandbox_trap_install();
	CHILD_CHECK(sandbox_seccomp(s, &err) == 0);
}

/* ---- the trap ---- */

static void
be_trapped(void *arg)
{
	(void)arg;
	enter(&plain);
	(void)!chroot(".");
}

static void
test_last_words(void **state)
{
	(void)state;
	assert_int_equal(child_run(be_trapped, NULL), EXIT_TRAPPED);
	assert_non_null(strstr(child_errors, " (chroot) is not allowed here; the process ends\n"));
}

static void
fill(int fd)
{
	static const char bytes[4096];

	CHILD_CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		continue;
	CHILD_CHECK(errno == EAGAIN && fcntl(fd, F_SETFL, 0) == 0);
}

/* Nobody reads its log: it ends all the same. */
static void
be_trapped_unheard(void *arg)
{
	int log[2];

	(void)arg;
	CHILD_CHECK(pipe(log) == 0);
	fill(log[1]);
	CHILD_CHECK(dup2(log[1], STDERR_FILENO) >= 0);
	enter(&plain);
	(void)!chroot(".");
}

static void
test_no_reader_keeps_it_alive(void **state)
{
	(void)state;
	assert_int_equal(child_run(be_trapped_unheard, NULL), EXIT_TRAPPED);
}

/* ---- the self-test ---- */

static void
self_test_confined(void *arg)
{
	const struct sandbox *s = arg;
	struct buf out = {.data = NULL};
	struct self_test *t;
	struct err err;

	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(sandbox_landlock(s, &err) == 0);
	t = self_test_new(s, &err);
	CHILD_CHECK(t != NULL);
	sandbox_trap_install();
	CHILD_CHECK(sandbox_seccomp(s, &err) == 0);
	CHILD_CHECK(self_test_run(t, &out) == 0);
	buf_add_c(&out, 0);
	CHILD_CHECK(strstr((char *)out.data, "POSSIBLE") == NULL);
	CHILD_CHECK(strstr((char *)out.data, "run a program: refused (seccomp)\n") != NULL);
	CHILD_CHECK(s != &inet ||
	    strstr((char *)out.data, "make an IPv4 connection: allowed to this daemon\n") != NULL);
	buf_deinit(&out);
}

static void
test_self_test_confined(void **state)
{
	(void)state;
	assert_int_equal(child_run(self_test_confined, (void *)(uintptr_t)&plain), 0);
	assert_int_equal(child_run(self_test_confined, (void *)(uintptr_t)&files), 0);
	assert_int_equal(child_run(self_test_confined, (void *)(uintptr_t)&inet), 0);
}

/* It must see what is possible, or its verdicts are worth nothing: without any sandbox, and with one in the main thread alone. */
static void
self_test_free(void *arg)
{
	struct self_test *t;
	struct buf out = {.data = NULL};
	struct err err;

	(void)arg;
	t = self_test_new(&plain, &err);
	CHILD_CHECK(t && self_test_run(t, &out) == -1);
	buf_add_c(&out, 0);
	CHILD_CHECK(strstr((char *)out.data, "open a file of the system: POSSIBLE\n") != NULL);
	CHILD_CHECK(strstr((char *)out.data, "make an IPv4 connection: POSSIBLE\n") != NULL);
	buf_deinit(&out);
}

static void
self_test_late_landlock(void *arg)
{
	struct self_test *t;
	struct buf out = {.data = NULL};
	struct err err;

	(void)arg;
	t = self_test_new(&files, &err);
	CHILD_CHECK(t != NULL);
	enter(&files);
	CHILD_CHECK(self_test_run(t, &out) == -1);
	buf_add_c(&out, 0);
	CHILD_CHECK(strstr((char *)out.data, "open a file of the system: POSSIBLE\n") != NULL);
	buf_deinit(&out);
}

static void
test_self_test_sees_holes(void **state)
{
	(void)state;
	assert_int_equal(child_run(self_test_free, NULL), 0);
	assert_int_equal(child_run(self_test_late_landlock, NULL), 0);
}

/* ---- installed, data is a link ---- */

static void
use_linked_data(void *arg)
{
	int fd;

	(void)arg;
	CHILD_CHECK(chdir("role") == 0);
	enter(&files);
	fd = open("data/new", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHILD_CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	CHILD_CHECK(rename("data/new", "data/old") == 0 && unlink("data/old") == 0);
	CHILD_CHECK(open("new", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES);
	CHILD_CHECK(open("../other", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
	CHILD_CHECK(open("data/../other", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
}

static void
test_data_is_a_link(void **state)
{
	(void)state;
	assert_int_equal(mkdir("role", 0700), 0);
	assert_int_equal(symlink("../data", "role/data"), 0);
	scratch_write("other", "");
	assert_int_equal(child_run(use_linked_data, NULL), 0);
}

static void
enter_without_data(void *arg)
{
	struct err err;

	(void)arg;
	CHILD_CHECK(rmdir("data") == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(sandbox_landlock(&files, &err) == -1);
	CHILD_CHECK(
	    strcmp(err.text, "the folder data cannot be opened: No such file or directory") == 0);
}

static void
test_no_data(void **state)
{
	(void)state;
	assert_int_equal(child_run(enter_without_data, NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_last_words),
	    TEST(test_no_reader_keeps_it_alive),
	    TEST(test_self_test_confined),
	    TEST(test_self_test_sees_holes),
	    TEST(test_data_is_a_link),
	    TEST(test_no_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
