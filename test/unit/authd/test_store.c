/* credentials.db: what every verb does, that it survives a kill, that older files come along and
 * newer ones are refused. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "base/id.h"
#include "base/mem.h"
#include "store.h"

#define ALICE S("alice@example.org")
#define BOB S("bob@example.org")
#define PASSWORD "canary-Xq7vR2"

static char dir[64], path[96];
static struct store *store;

static void
store_up(void)
{
	struct err err;

	store = store_open(path, &err);
	if (!store)
		fail_msg("%s", err.text);
}

static int
setup(void **state)
{
	(void)state;
	id_init();
	snprintf(dir, sizeof(dir), "/tmp/jackdaw-authd-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/credentials.db", dir);
	store_up();
	return 0;
}

static int
teardown(void **state)
{
	char name[128];
	static const char *const ends[] = {"", "-wal", "-shm", ".v1"};

	(void)state;
	store_close(&store, NULL);
	for (size_t i = 0; i < COUNT(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	return rmdir(dir);
}

static enum store_result
run(enum store_verb verb, struct str jid, struct store_request *r)
{
	r->verb = verb;
	r->jid = jid;
	return store_run(store, r);
}

static enum store_result
add(struct str jid, struct str domain, struct store_maker maker)
{
	struct store_request r = {.domain = domain, .maker = maker};

	credentials_make(&r.credentials, S(PASSWORD), 4096);
	enum store_result result = run(STORE_ADD, jid, &r);
	store_request_deinit(&r);
	return result;
}

static enum store_result
simple(enum store_verb verb, struct str jid, uint64_t *generation)
{
	struct store_request r = {.generation = generation ? *generation : 0};
	enum store_result result = run(verb, jid, &r);

	if (generation)
		*generation = r.generation;
	store_request_deinit(&r);
	return result;
}

static bool
fits(struct str jid, struct str password)
{
	struct store_request r = {0};
	bool ok = run(STORE_FIND, jid, &r) == STORE_OK;

	for (enum digest d = 0; d < DIGEST_COUNT && ok; d++) {
		struct credential c = r.credentials.of[d];

		assert_int_equal(c.iterations, 4096);
		credential_derive(&c, d, password);
		ok = credential_same(&c, &r.credentials.of[d], d);
	}
	store_request_deinit(&r);
	return ok;
}

static void
test_add_and_find(void **state)
{
	struct store_maker first = {42, 7}, second = {42, 8};

	(void)state;
	assert_int_equal(add(ALICE, S("example.org"), first), STORE_OK);
	assert_true(fits(ALICE, S(PASSWORD)));
	assert_false(fits(ALICE, S("canary")));
	assert_false(fits(BOB, S(PASSWORD)));
	assert_int_equal(add(ALICE, S("example.org"), second), STORE_EXISTS);
	/* the request itself, replayed */
	assert_int_equal(add(ALICE, S("example.org"), first), STORE_OK);
	assert_int_equal(add(BOB, S("example.org"), (struct store_maker){0}), STORE_OK);
	assert_int_equal(add(BOB, S("example.org"), (struct store_maker){0}), STORE_EXISTS);
}

static void
test_password_change(void **state)
{
	struct store_request r = {.close_sessions = true};
	uint64_t generation = 0;

	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){0});
	credentials_make(&r.credentials, S("another"), 4096);
	assert_int_equal(run(STORE_PASSWD, ALICE, &r), STORE_OK);
	assert_int_equal(r.generation, 2);
	assert_true(fits(ALICE, S("another")));
	assert_false(fits(ALICE, S(PASSWORD)));
	assert_int_equal(run(STORE_PASSWD, BOB, &r), STORE_NOT_FOUND);
	store_request_deinit(&r);
	assert_int_equal(simple(STORE_RAISE, ALICE, &generation), STORE_OK);
	assert_int_equal(generation, 3);
	assert_int_equal(simple(STORE_RAISE, BOB, &generation), STORE_NOT_FOUND);
}

/* A removed account's name is not free until all has been erased; its credentials are gone at
 * once. */
static void
test_removal(void **state)
{
	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){9, 9});
	assert_int_equal(simple(STORE_REMOVE, BOB, NULL), STORE_NOT_FOUND);
	assert_int_equal(simple(STORE_REMOVE, ALICE, NULL), STORE_OK);
	assert_int_equal(simple(STORE_REMOVE, ALICE, NULL), STORE_OK);
	assert_int_equal(simple(STORE_FIND, ALICE, NULL), STORE_NOT_FOUND);
	assert_int_equal(simple(STORE_RAISE, ALICE, NULL), STORE_NOT_FOUND);
	assert_int_equal(simple(STORE_PASSWD, ALICE, NULL), STORE_NOT_FOUND);
	assert_int_equal(
	    add(ALICE, S("example.org"), (struct store_maker){9, 9}), STORE_BEING_REMOVED);
	store_close(&store, NULL);
	store_up();
	assert_int_equal(
	    add(ALICE, S("example.org"), (struct store_maker){9, 10}), STORE_BEING_REMOVED);
	assert_int_equal(simple(STORE_FORGET, ALICE, NULL), STORE_OK);
	assert_int_equal(add(ALICE, S("example.org"), (struct store_maker){9, 10}), STORE_OK);
	/* A late acknowledgement of the old account's removal does not touch the new one. */
	assert_int_equal(simple(STORE_FORGET, ALICE, NULL), STORE_OK);
	assert_true(fits(ALICE, S(PASSWORD)));
}

static void
expect_pending(size_t n, struct str jid, enum store_notice notice)
{
	struct store_request r = {0};

	assert_int_equal(run(STORE_PENDING, (struct str){0}, &r), STORE_OK);
	assert_int_equal(r.n_rows, n);
	if (n > 0) {
		assert_true(str_is(jid, r.rows[0].jid));
		assert_int_equal(r.rows[0].notice, notice);
	}
	store_request_deinit(&r);
}

/* What sessiond must hear is stored with the change, until it has. */
static void
test_notices(void **state)
{
	struct store_request r = {.close_sessions = true};
	uint64_t generation;

	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){0});
	expect_pending(0, ALICE, NOTICE_NONE);
	credentials_make(&r.credentials, S("x"), 4096);
	assert_int_equal(run(STORE_PASSWD, ALICE, &r), STORE_OK);
	r.close_sessions = false;
	assert_int_equal(run(STORE_PASSWD, ALICE, &r), STORE_OK);
	expect_pending(1, ALICE, NOTICE_CLOSE);
	/* An acknowledgement of the first change leaves the second. */
	generation = 2;
	simple(STORE_TOLD, ALICE, &generation);
	expect_pending(1, ALICE, NOTICE_CLOSE);
	generation = 3;
	simple(STORE_TOLD, ALICE, &generation);
	expect_pending(0, ALICE, NOTICE_NONE);
	simple(STORE_REMOVE, ALICE, NULL);
	generation = 4;
	simple(STORE_TOLD, ALICE, &generation);
	expect_pending(1, ALICE, NOTICE_REMOVE);
	store_request_deinit(&r);
}

static size_t
list(const char *domain, struct str after, bool *more_r, char *last_r)
{
	struct store_request r = {.domain = str_z(domain), .after = after};
	size_t n;

	assert_int_equal(run(STORE_LIST, (struct str){0}, &r), STORE_OK);
	n = r.n_rows;
	*more_r = r.more;
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(r.rows[i - 1].jid, r.rows[i].jid) < 0);
	if (n)
		snprintf(last_r, 64, "%s", r.rows[n - 1].jid);
	store_request_deinit(&r);
	return n;
}

static void
add_many(unsigned n, const char *domain)
{
	struct store_request r = {.domain = str_z(domain)};
	char jid[64];

	for (enum digest d = 0; d < DIGEST_COUNT; d++)
		r.credentials.of[d] = (struct credential){.iterations = 4096, .salt_n = 1};
	for (unsigned i = 0; i < n; i++) {
		snprintf(jid, sizeof(jid), "u%04u@%s", i, domain);
		assert_int_equal(run(STORE_ADD, str_z(jid), &r), STORE_OK);
	}
	store_request_deinit(&r);
}

static void
test_pages(void **state)
{
	char last[64] = "";
	bool more;

	(void)state;
	add_many(1003, "example.org");
	add_many(3, "other.example");
	assert_int_equal(list("example.org", (struct str){0}, &more, last), STORE_ROWS_MAX);
	assert_true(more);
	assert_int_equal(list("example.org", str_z(last), &more, last), 3);
	assert_false(more);
	assert_int_equal(list("other.example", (struct str){0}, &more, last), 3);
	assert_string_equal(last, "u0002@other.example");
	assert_int_equal(list("", S("u1001"), &more, last), 2);
	assert_int_equal(list("", S("z"), &more, last), 0);
	simple(STORE_REMOVE, S("u0001@other.example"), NULL);
	assert_int_equal(list("other.example", (struct str){0}, &more, last), 2);
}

static void
test_inv_20_values_are_bound(void **state)
{
	static const char *const hostile[] = {"' OR 1=1 --",
	    "x' UNION SELECT value, 1, 1 FROM secret --", "'; DROP TABLE account; --", "%", "?1",
	    "\xf0\x9f\x90\xa6'"};
	char last[64];
	bool more;

	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){0});
	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct str s = str_z(hostile[i]);

		assert_int_equal(simple(STORE_FIND, s, NULL), STORE_NOT_FOUND);
		assert_int_equal(simple(STORE_REMOVE, s, NULL), STORE_NOT_FOUND);
		assert_int_equal(list(hostile[i], (struct str){0}, &more, last), 0);
		list("", s, &more, last);
		assert_int_equal(add(s, s, (struct store_maker){0}), STORE_OK);
		assert_true(fits(s, S(PASSWORD)));
	}
	assert_true(fits(ALICE, S(PASSWORD)));
}

static void
test_generations(void **state)
{
	const struct str names[] = {ALICE, S("nobody@example.org"), BOB, S("gone@example.org")};
	struct store_request r = {.names = names, .n_names = COUNT(names)};

	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){0});
	add(BOB, S("example.org"), (struct store_maker){0});
	add(names[3], S("example.org"), (struct store_maker){0});
	simple(STORE_REMOVE, names[3], NULL);
	simple(STORE_RAISE, BOB, NULL);
	assert_int_equal(run(STORE_GENERATIONS, (struct str){0}, &r), STORE_OK);
	assert_int_equal(r.n_rows, 2);
	assert_int_equal(r.rows[0].generation, 1);
	assert_int_equal(r.rows[1].generation, 2);
	store_request_deinit(&r);
}

static void
test_secrets_outlive_a_restart(void **state)
{
	static const uint8_t none[STORE_SECRET_BYTES];
	struct store_secrets a, b;
	struct err err;

	(void)state;
	assert_int_equal(store_secrets(store, &a, &err), 0);
	store_close(&store, NULL);
	store_up();
	assert_int_equal(store_secrets(store, &b, &err), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(a.capability, a.fake, STORE_SECRET_BYTES);
	assert_memory_not_equal(a.fake, none, STORE_SECRET_BYTES);
}

static bool
file_has(const char *name, const char *what)
{
	char text[1 << 16];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return n > 0 && memmem(text, (size_t)n, what, strlen(what));
}

static void
test_inv_28_no_password_in_the_file(void **state)
{
	char wal[128];

	(void)state;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	add(ALICE, S("example.org"), (struct store_maker){0});
	assert_true(file_has(wal, "alice@example.org"));
	assert_false(file_has(wal, PASSWORD));
	store_close(&store, NULL);
	assert_true(file_has(path, "alice@example.org"));
	assert_false(file_has(path, PASSWORD));
	store_up();
}

static void
test_migrates_an_older_file(void **state)
{
	const char *const next[] = {store_schema.migrations[0],
	    DB_MIGRATION(2, "ALTER TABLE account ADD COLUMN note TEXT NOT NULL DEFAULT 'old'"),
	    NULL};
	const struct db_schema newer = {next};
	char copy[128];
	struct err err;
	sqlite3 *db = NULL;

	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){0});
	store_close(&store, NULL);
	snprintf(copy, sizeof(copy), "%s.v1", path);
	assert_int_equal(db_open(&db, path, &newer, &err), 0);
	db_close(&db);
	assert_int_equal(access(copy, F_OK), 0);
	/* This version refuses the newer file and says what to do … */
	assert_null(store_open(path, &err));
	assert_non_null(strstr(err.text, "newer"));
	assert_non_null(strstr(err.text, "credentials.db"));
	/* … and the copy that was kept is as it was. */
	assert_int_equal(rename(copy, path), 0);
	store_up();
	assert_true(fits(ALICE, S(PASSWORD)));
}

static void
test_failed_migration_changes_nothing(void **state)
{
	const char *const next[] = {store_schema.migrations[0],
	    DB_MIGRATION(2,
		"ALTER TABLE account ADD COLUMN note TEXT; ALTER TABLE nowhere ADD COLUMN x TEXT"),
	    NULL};
	const struct db_schema broken = {next};
	struct err err;
	sqlite3 *db = NULL;

	(void)state;
	add(ALICE, S("example.org"), (struct store_maker){0});
	store_close(&store, NULL);
	assert_int_equal(db_open(&db, path, &broken, &err), -1);
	store_up();
	assert_true(fits(ALICE, S(PASSWORD)));
}

/* Adds accounts and tells each one's number when it is committed, until it is killed. */
_Noreturn static void
child_adds(int fd)
{
	struct store_request r = {.domain = S("example.org")};
	char jid[64];

	store_up();
	for (enum digest d = 0; d < DIGEST_COUNT; d++)
		r.credentials.of[d] = (struct credential){.iterations = 4096, .salt_n = 1};
	for (unsigned i = 0;; i++) {
		snprintf(jid, sizeof(jid), "k%08u@example.org", i);
		if (run(STORE_ADD, str_z(jid), &r) == STORE_OK &&
		    write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static void
test_kill_safe_commit(void **state)
{
	unsigned told = 0, one;
	int fd[2], status;
	char jid[64];

	(void)state;
	store_close(&store, NULL);
	for (unsigned round = 0; round < 5; round++) {
		assert_int_equal(pipe(fd), 0);
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			child_adds(fd[1]);
		close(fd[1]);
		for (unsigned i = 0;
		     i < 20 + 13 * round && read(fd[0], &one, sizeof(one)) == sizeof(one); i++)
			told = one;
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		while (read(fd[0], &one, sizeof(one)) == sizeof(one))
			told = one;
		close(fd[0]);
		store_up();
		for (unsigned i = 0; i <= told; i++) {
			snprintf(jid, sizeof(jid), "k%08u@example.org", i);
			assert_int_equal(simple(STORE_FIND, str_z(jid), NULL), STORE_OK);
		}
		assert_int_equal(simple(STORE_CHECK, (struct str){0}, NULL), STORE_OK);
		store_close(&store, NULL);
	}
	store_up();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_add_and_find),
	    TEST(test_password_change),
	    TEST(test_removal),
	    TEST(test_notices),
	    TEST(test_pages),
	    TEST(test_inv_20_values_are_bound),
	    TEST(test_generations),
	    TEST(test_secrets_outlive_a_restart),
	    TEST(test_inv_28_no_password_in_the_file),
	    TEST(test_migrates_an_older_file),
	    TEST(test_failed_migration_changes_nothing),
	    TEST(test_kill_safe_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
