/* db/room.c and storaged/disk.c: which state follows from which figures, and what each state lets in. (The ballast, and a disk that is full:
 * test/faults/test_disk.py.) */
#include "store_test.h"

#define MIB UINT64_C(1048576)

static const struct room_marks marks = {
    .low = 1024 * MIB, .tight = 256 * MIB, .none = 64 * MIB, .ballast = 64 * MIB};

static void
test_states_follow_the_figures(void **state)
{
	static const struct {
		enum room_state now, next;
		uint64_t free, reusable;
		bool has_ballast;
	} cases[] = {
	    {ROOM_ENOUGH, ROOM_ENOUGH, 1024, 0, true},
	    {ROOM_ENOUGH, ROOM_LOW, 1023, 0, true},
	    {ROOM_ENOUGH, ROOM_TIGHT, 255, 0, true},
	    {ROOM_ENOUGH, ROOM_NONE, 63, 0, true},
	    /* what is missing of the ballast is not there to be used */
	    {ROOM_ENOUGH, ROOM_NONE, 127, 0, false},
	    {ROOM_ENOUGH, ROOM_TIGHT, 128, 0, false},
	    {ROOM_ENOUGH, ROOM_NONE, 0, 0, false},
	    /* room within the file is room */
	    {ROOM_ENOUGH, ROOM_ENOUGH, 0, 1024, true},
	    {ROOM_NONE, ROOM_TIGHT, 0, 100, false},
	    /* back with a quarter more, one or more at once */
	    {ROOM_LOW, ROOM_LOW, 1279, 0, true},
	    {ROOM_LOW, ROOM_ENOUGH, 1280, 0, true},
	    {ROOM_TIGHT, ROOM_TIGHT, 319, 0, true},
	    {ROOM_TIGHT, ROOM_LOW, 320, 0, true},
	    {ROOM_NONE, ROOM_NONE, 143, 0, false},
	    {ROOM_NONE, ROOM_TIGHT, 144, 0, false},
	    {ROOM_NONE, ROOM_ENOUGH, 5000, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct room_figures f = {.free = cases[i].free * MIB,
		    .reusable = cases[i].reusable * MIB,
		    .has_ballast = cases[i].has_ballast};

		if (room_next(cases[i].now, &marks, &f) != cases[i].next)
			fail_msg("case %zu", i);
	}
}

static struct msg_STORE
message(bool owed, bool archived)
{
	return (struct msg_STORE){.owed = owed,
	    .archive_from = archived,
	    .archive_to = archived,
	    .owed_max = 10,
	    .st = {.from = S("romeo@h/orchard"),
		.to = S("juliet@h"),
		.id = S("1"),
		.payload = S("<body>hello</body>")}};
}

static uint64_t
rows(struct store *s, const char *sql)
{
	struct db_stmt q = {.sql = sql};
	sqlite3_stmt *st = db_stmt(s->archive, &q);
	uint64_t n;

	assert_int_equal(db_step(st), SQLITE_ROW);
	n = db_column_u64(st, 0);
	db_stmts_finalize(&q, 1);
	return n;
}

#define ALL "SELECT count(*) FROM message"
#define ARCHIVED "SELECT count(*) FROM message WHERE flags & 3"
#define HELD "SELECT count(*) FROM held"

static void
test_archives_stand_still_first(void **state)
{
	struct store *s = *state;
	struct msg_STORE filed = message(false, true), both = message(true, true);

	s->storaged.disk.room.state = ROOM_TIGHT;
	s->job.op = op_of(1, 1, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &filed), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_SILENT);
	assert_int_equal(rows(s, ALL), 0);
	s->job.op = op_of(1, 2, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &both), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_SILENT);
	assert_int_equal(rows(s, HELD), 1);
	assert_int_equal(rows(s, ARCHIVED), 0);
	assert_int_equal(s->storaged.disk.unarchived, 2);
}

static void
test_a_full_disk_refuses_what_is_new(void **state)
{
	struct store *s = *state;
	struct msg_STORE owed = message(true, true), filed = message(false, true);
	struct msg_BLOB_PUT put = {.owner = S("juliet@h"), .key = S("k"), .data = S("<x/>")};
	struct msg_BLOB_PUT remove = {.owner = S("juliet@h"), .key = S("k")};
	struct msg_ROSTER_PUT item = {.owner = S("juliet@h"), .item.jid = S("romeo@h")};

	/* One that was stored before is, and comes again: nobody may be told otherwise. */
	s->job.op = op_of(1, 1, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &owed), SQLITE_OK);
	s->storaged.disk.room.state = ROOM_NONE;
	assert_int_equal(store_run(s, s->archive, archive_store, &owed), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_SILENT);

	s->job.op = op_of(1, 2, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &owed), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_REFUSE);
	assert_int_equal(s->job.error, BUS_ERROR_FULL);
	s->job.op = op_of(1, 3, OP_ARCHIVE_FROM);
	assert_int_equal(store_run(s, s->archive, archive_store, &filed), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_SILENT);
	assert_int_equal(rows(s, ALL), 1);

	s->job.op = op_of(1, 4, OP_BLOB);
	assert_int_equal(store_run(s, s->main, blob_put, &put), SQLITE_OK);
	assert_int_equal(s->job.error, BUS_ERROR_FULL);
	assert_int_equal(store_run(s, s->main, roster_put, &item), SQLITE_OK);
	assert_int_equal(s->job.error, BUS_ERROR_FULL);
	/* What makes room is done. */
	assert_int_equal(store_run(s, s->main, blob_put, &remove), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_ANSWER);
}

static void
test_marks_have_an_order(void **state)
{
	struct storaged_settings set = {
	    .disk_warn_megabytes = 3, .disk_archive_megabytes = 2, .disk_full_megabytes = 1};
	struct err err;

	(void)state;
	assert_int_equal(storaged_check(NULL, &set, &err), 0);
	set.disk_archive_megabytes = 4;
	assert_int_equal(storaged_check(NULL, &set, &err), -1);
	set.disk_archive_megabytes = 0;
	assert_int_equal(storaged_check(NULL, &set, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_states_follow_the_figures),
	    cmocka_unit_test_setup_teardown(
		test_archives_stand_still_first, store_setup, store_teardown),
	    cmocka_unit_test_setup_teardown(
		test_a_full_disk_refuses_what_is_new, store_setup, store_teardown),
	    cmocka_unit_test(test_marks_have_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
