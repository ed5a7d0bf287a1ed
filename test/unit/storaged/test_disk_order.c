/* storaged/disk.c: what has an order keeps it on a full disk. Jobs go through both writers as usual, only what they do is the
 * test's: it notes who it was, and finds the disk full where the test says so. */
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "job.h"

static struct world {
	struct daemon daemon;
	struct storaged_settings settings;
	struct storaged s;
	char dir[64];
	const char *full; /* the parts that meet a full disk, as in `log` */
	char log[64]; /* what was done: the job's number, then a for its first part, b for its second */
	sem_t gate; /* a part named in `gated` waits here */
	const char *gated;
} w;

/* ---- the world ---- */

static struct db_writer *
writer_of(const struct db_schema *schema)
{
	struct err err = {.text = ""};
	sqlite3 *db = NULL;
	struct db_writer *writer = db_writer_new(w.daemon.loop);

	if (db_open(&db, ":memory:", schema, &err) != 0)
		fail_msg("%s", err.text);
	db_writer_open(writer, db);
	return writer;
}

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.full = w.gated = "";
	sem_init(&w.gate, 0, 0);
	log_set_level((enum log_level)(LOG_ERROR + 1));
	snprintf(w.dir, sizeof(w.dir), "/tmp/jackdaw-order-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	assert_int_equal(chdir(w.dir), 0);
	assert_int_equal(mkdir("data", 0700), 0);
	db_global_init();
	w.daemon = (struct daemon){.dir = ".", .loop = loop_new(), .settings = &w.settings};
	w.s.daemon = &w.daemon;
	disk_init(&w.s);
	w.s.archive.writer = writer_of(&archive_schema);
	w.s.main.writer = writer_of(&main_schema);
	return 0;
}

static void
writer_end(struct db_writer **writer)
{
	sqlite3 *db;

	db = db_writer_free(writer);
	room_statements_finalize();
	db_close(&db);
}

static int
teardown(void **state)
{
	(void)state;
	w.s.is_stopping = true;
	writer_end(&w.s.archive.writer);
	writer_end(&w.s.main.writer);
	loop_free(&w.daemon.loop);
	sem_destroy(&w.gate);
	rmdir("data");
	assert_int_equal(chdir("/"), 0);
	rmdir(w.dir);
	return 0;
}

/* ---- jobs ---- */

static int
part(const struct job *job, char name)
{
	const char what[] = {(char)('0' + job->op.n), name, '\0'};

	if (strstr(w.gated, what))
		sem_wait(&w.gate);
	if (strstr(w.full, what))
		return SQLITE_FULL;
	str_copy(w.log + strlen(w.log), sizeof(w.log) - strlen(w.log), str_z(what));
	return SQLITE_OK;
}

static int
first(struct job *job, sqlite3 *db, const void *msg)
{
	(void)db;
	(void)msg;
	return part(job, 'a');
}

static int
second(struct job *job, sqlite3 *db, const void *msg)
{
	(void)db;
	(void)msg;
	return part(job, 'b');
}

/* A record of a session, as its frame brings it. */
static void
come(uint64_t n)
{
	const struct msg_DROP m = {.epoch = n};
	struct buf body = {0};
	struct bus_in in = {.message = bus_message(MSG_DROP), .op = {.n = n}};

	bus_encode(&body, in.message, &m);
	in.body = buf_str(&body);
	job_submit(&w.s, &w.s.main, &in, first, second);
	buf_deinit(&body);
}

/* ---- turns ---- */

static void
run_until(bool (*cond)(void))
{
	uint64_t end_ms = clock_mono_ms() + 5000;

	while (!cond()) {
		if (clock_mono_ms() > end_ms)
			fail_msg("in vain; done: %s", w.log);
		loop_run_once(w.daemon.loop);
		usleep(200);
	}
}

static bool
all_came_back(void)
{
	return w.s.disk.n_in_order == 0 && !w.s.disk.is_trying && !w.s.disk.room.is_measuring;
}

static bool
first_part_is_done(void)
{
	return db_writer_queued(w.s.main.writer) == 0;
}

static bool
one_is_held(void)
{
	return w.s.disk.n_held == 1;
}

static bool
nothing_is_held(void)
{
	return w.s.disk.n_held == 0 && all_came_back();
}

/* There is room, and a tick finds it. */
static void
make_room(void)
{
	w.full = "";
	disk_tick(&w.s);
	run_until(nothing_is_held);
}

/* ---- tests ---- */

static void
test_what_stands_behind_is_not_done_before(void **state)
{
	(void)state;
	w.full = "1a";
	come(1);
	come(2);
	run_until(all_came_back);
	assert_string_equal(w.log, "");
	come(3);
	make_room();
	assert_string_equal(w.log, "1a1b2a2b3a3b");
}

static void
test_nor_in_the_second_file(void **state)
{
	(void)state;
	w.full = "1b";
	come(1);
	come(2);
	run_until(all_came_back);
	assert_null(strchr(w.log, 'b'));
	make_room();
	assert_string_equal(w.log, "1a2a1b2b");
}

/* The second file tells later what belongs before it. */
static void
test_the_first_that_came_is_the_first_again(void **state)
{
	(void)state;
	w.full = "1b 2a";
	w.gated = "1b";
	come(1);
	run_until(first_part_is_done);
	come(2);
	run_until(one_is_held);
	/* There is room for the one that is held, as a measuring of before finds, but the other has not come back. */
	w.full = "1b";
	w.s.disk.room.events->measured(&w.s);
	run_until(first_part_is_done);
	w.gated = "";
	sem_post(&w.gate);
	run_until(all_came_back);
	assert_string_equal(w.log, "1a");
	make_room();
	assert_string_equal(w.log, "1a1b2a2b");
}

/* As soon as none is held any more all is as before. */
static void
test_afterwards_all_goes_on(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		w.log[0] = '\0';
		w.full = "1a";
		come(1);
		run_until(all_came_back);
		make_room();
		come(2);
		run_until(nothing_is_held);
		assert_string_equal(w.log, "1a1b2a2b");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_what_stands_behind_is_not_done_before, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nor_in_the_second_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_the_first_that_came_is_the_first_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_afterwards_all_goes_on, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
