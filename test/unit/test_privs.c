/* common/service/privs.c: one way down. Only root has something to lose, so most of it is skipped without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "child.h"
#include "service/privs.h"

#define UID_BASE 64100
#define NO_CAPABILITY "\t0000000000000000"

static void
need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* As root with --dir; in a namespace of one user there is no other to become. */
static bool
plan_switch(struct privs *p)
{
	struct err err;

	assert_int_equal(privs_plan(p, "/d", ROLE_AUTHD, UID_BASE, &err), 0);
	return p->kind == PRIVS_SWITCH;
}

/* ---- the plan ---- */

static void
test_plan(void **state)
{
	struct privs p;
	struct err err;

	(void)state;
	assert_int_equal(privs_plan(&p, NULL, ROLE_COUNT, UID_BASE, &err), -1);
	if (plan_switch(&p)) {
		assert_int_equal(p.uid, UID_BASE + ROLE_AUTHD);
		assert_int_equal(p.gid, UID_BASE + ROLE_AUTHD);
		assert_true(p.confined);
		assert_false(p.reduced);
	} else {
		assert_int_equal(p.uid, geteuid());
		assert_false(p.confined);
		assert_true(p.reduced);
	}
}

static void
test_right_user(void **state)
{
	struct privs p = {.kind = PRIVS_KEEP, .uid = geteuid() + 1};
	struct err err;

	(void)state;
	assert_int_equal(privs_check_user(&p, "authd.0", &err), -1);
	assert_non_null(strstr(err.text, "authd.0 was started as user "));
	p.uid = geteuid();
	assert_int_equal(privs_check_user(&p, "authd.0", &err), 0);
	p.uid++;
	p.kind = PRIVS_SWITCH;
	assert_int_equal(privs_check_user(&p, "authd.0", &err), 0);
}

/* ---- the drop ---- */

static void *
sleep_on(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void
start_thread(void)
{
	pthread_t t;

	CHILD_CHECK(pthread_create(&t, NULL, sleep_on, NULL) == 0);
}

static void
drop_and_look(void *arg)
{
	struct privs p = *(struct privs *)arg;
	struct err err;
	gid_t groups[8];

	p.confined = false; /* to see /proc */
	CHILD_CHECK(privs_drop(&p, &err) == 0);
	start_thread();
	CHILD_CHECK(getuid() == p.uid && geteuid() == p.uid && getgid() == p.gid);
	CHILD_CHECK(p.kind == PRIVS_KEEP || getgroups(8, groups) == 0);
	CHILD_CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	/* Else /proc/self is root's. */
	CHILD_CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	CHILD_CHECK(child_every_thread("CapEff:", NO_CAPABILITY));
	CHILD_CHECK(child_every_thread("CapPrm:", NO_CAPABILITY));
	CHILD_CHECK(child_every_thread("CapInh:", NO_CAPABILITY));
	CHILD_CHECK(child_every_thread("CapAmb:", NO_CAPABILITY));
	CHILD_CHECK(geteuid() != p.uid || child_every_thread("NoNewPrivs:", "\t1"));
}

static void
drop_all(void *arg)
{
	drop_and_look(arg);
	CHILD_CHECK(child_every_thread("CapBnd:", NO_CAPABILITY));
}

static void
test_user_keeps_nothing(void **state)
{
	struct privs p = {.kind = PRIVS_KEEP, .uid = geteuid(), .gid = getegid()};

	(void)state;
	assert_int_equal(child_run(drop_and_look, &p), 0);
}

/* Also of root that stays root. */
static void
test_root_keeps_nothing(void **state)
{
	struct privs p = {.kind = PRIVS_KEEP, .uid = 0, .gid = 0};

	(void)state;
	need_root();
	assert_int_equal(child_run(drop_all, &p), 0);
}

static void
test_switch(void **state)
{
	struct privs p;

	(void)state;
	need_root();
	if (!plan_switch(&p))
		skip();
	assert_int_equal(child_run(drop_all, &p), 0);
}

static void
no_way_back(void *arg)
{
	struct err err;

	CHILD_CHECK(privs_drop(arg, &err) == 0);
	CHILD_CHECK(setuid(0) != 0 && setresuid(0, 0, 0) != 0 && setgid(0) != 0);
	CHILD_CHECK(setgroups(0, NULL) != 0 && chroot(".") != 0);
	CHILD_CHECK(access("/etc/passwd", F_OK) != 0); /* the root is the folder */
	CHILD_CHECK(access("/own", F_OK) == 0 && access("own", F_OK) == 0);
	CHILD_CHECK(open("/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0); /* root's */
}

static void
test_no_way_back(void **state)
{
	struct privs p;

	(void)state;
	need_root();
	if (!plan_switch(&p))
		skip();
	scratch_enter();
	scratch_write("own", "");
	assert_int_equal(child_run(no_way_back, &p), 0);
	scratch_leave();
}

static void
drop_with_thread(void *arg)
{
	struct err err;

	start_thread();
	CHILD_CHECK(privs_drop(arg, &err) == -1);
	CHILD_CHECK(strcmp(err.text, "2 threads run already; they would keep their rights") == 0);
}

static void
test_no_thread_before(void **state)
{
	struct privs p = {.kind = PRIVS_KEEP, .uid = geteuid(), .gid = getegid()};

	(void)state;
	assert_int_equal(child_run(drop_with_thread, &p), 0);
}

/* ---- limits ---- */

static rlim_t
limit_of(int resource)
{
	struct rlimit r = {0};

	CHILD_CHECK(getrlimit(resource, &r) == 0);
	return r.rlim_cur;
}

static void
limit_to_pipe(void *arg)
{
	struct sandbox s = {.max_files = 50, .max_file_size = 0};
	int out[2];

	(void)arg;
	CHILD_CHECK(pipe(out) == 0 && dup2(out[1], STDOUT_FILENO) >= 0);
	privs_limit(&s);
	CHILD_CHECK(limit_of(RLIMIT_CORE) == 0);
	CHILD_CHECK(limit_of(RLIMIT_NOFILE) == 50);
	CHILD_CHECK(limit_of(RLIMIT_FSIZE) == 0);
}

/* The log must go on when it is a file. */
static void
limit_with_log_file(void *arg)
{
	struct sandbox s = {.max_file_size = 0};
	rlim_t old = limit_of(RLIMIT_FSIZE);
	int log = open("log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)arg;
	CHILD_CHECK(dup2(log, STDERR_FILENO) >= 0);
	privs_limit(&s);
	CHILD_CHECK(limit_of(RLIMIT_FSIZE) == old);
	CHILD_CHECK(lseek(log, 0, SEEK_END) > 0);
}

static void
limit_too_high(void *arg)
{
	struct sandbox s = {.max_files = 1ULL << 40, .max_file_size = UINT64_MAX};
	struct rlimit r = {.rlim_cur = 20, .rlim_max = 100};

	(void)arg;
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	privs_limit(&s);
	CHILD_CHECK(limit_of(RLIMIT_NOFILE) == 100);
}

static void
test_limits(void **state)
{
	(void)state;
	scratch_enter();
	assert_int_equal(child_run(limit_to_pipe, NULL), 0);
	assert_int_equal(child_run(limit_with_log_file, NULL), 0);
	assert_int_equal(child_run(limit_too_high, NULL), 0);
	assert_non_null(strstr(child_errors, "RLIMIT_NOFILE is 100 and cannot be raised"));
	scratch_leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plan),
	    cmocka_unit_test(test_right_user),
	    cmocka_unit_test(test_user_keeps_nothing),
	    cmocka_unit_test(test_root_keeps_nothing),
	    cmocka_unit_test(test_switch),
	    cmocka_unit_test(test_no_way_back),
	    cmocka_unit_test(test_no_thread_before),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
