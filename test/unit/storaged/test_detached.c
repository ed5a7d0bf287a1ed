/* Detached sessions (BUS.md §8, §10): versions, claims, pages, and the owed messages that a record contains. */
#include "detached.h"
#include "store_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "bus/bus.h"

static struct id128
sid_of(unsigned i)
{
	struct id128 sid = {{0}};

	memcpy(sid.b, &i, sizeof(i));
	sid.b[15] = 1;
	return sid;
}

/* Both parts, as a job goes. */
static int
both(struct store *s, job_exec *first, enum msg_type type, const void *msg)
{
	uint8_t decoded[JOB_MESSAGE_MAX];
	int rc;

	buf_clear(&s->job.body);
	bus_encode(&s->job.body, bus_message(type), msg);
	assert_true(bus_decode(bus_message(type), buf_str(&s->job.body), decoded));
	rc = store_run(s, s->main, first, decoded);
	if (rc == SQLITE_OK && s->job.result != JOB_REFUSE) {
		enum job_result result = s->job.result;

		assert_int_equal(store_run(s, s->archive, detached_owed, decoded), SQLITE_OK);
		s->job.result = result;
	}
	return rc;
}

static struct msg_DETACH
record(unsigned sid, uint64_t epoch, const char *jid)
{
	return (struct msg_DETACH){
	    .session = {.sid = sid_of(sid), .epoch = epoch, .jid = str_z(jid)}};
}

static void
detach(struct store *s, const struct msg_DETACH *m)
{
	assert_int_equal(both(s, detached_put, MSG_DETACH, m), SQLITE_OK);
}

static enum job_result
claim(struct store *s, unsigned sid, uint64_t epoch, uint64_t edge, uint64_t conn)
{
	struct msg_CLAIM m = {
	    .req = 1, .sid = sid_of(sid), .epoch = epoch, .edge_incarnation = edge, .conn = conn};

	assert_int_equal(both(s, detached_claim, MSG_CLAIM, &m), SQLITE_OK);
	return s->job.result;
}

static void
drop_as(struct store *s, unsigned sid, uint64_t epoch, bool given)
{
	struct msg_DROP m = {.sid = sid_of(sid), .epoch = epoch, .given = given};

	assert_int_equal(both(s, detached_drop, MSG_DROP, &m), SQLITE_OK);
}

static void
drop(struct store *s, unsigned sid, uint64_t epoch)
{
	drop_as(s, sid, epoch, true);
}

static const struct msg_LOADED *
load(struct store *s, uint8_t shard, uint8_t shards, uint64_t after)
{
	struct msg_LOAD m = {.req = 1, .shard = shard, .shards = shards, .after = after};

	assert_int_equal(store_run(s, s->main, detached_load, &m), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_ANSWER);
	return &s->job.answer.loaded;
}

/* Epoch of the only row; 0: there is none. */
static uint64_t
epoch_in_store(struct store *s)
{
	struct bus_list list = load(s, 0, 1, 0)->sessions;
	struct rec_session r = {.epoch = 0};

	assert_true(list.count <= 1);
	bus_list_next(&list, &bus_record_session, &r);
	return r.epoch;
}

/* ---- versions ---- */

static void
test_a_record_comes_back_as_it_was(void **state)
{
	struct store *s = *state;
	struct rec_ledger_entry ledger[] = {{.k = 7, .n = 3, .kind = OP_DELIVERY}};
	struct rec_unacked unacked[] = {{.k = 7,
	    .n = 3,
	    .kind = OP_DELIVERY,
	    .stamp_us = 99,
	    .st = {.kind = STANZA_MESSAGE, .from = S("b@x/1"), .payload = S("<body>hi</body>")}}};
	struct msg_DETACH m = record(1, 4, "a@x/phone");
	struct bus_list list, inner;
	struct rec_session r;
	struct rec_unacked u;

	m.session.done = 5;
	m.session.k = 7;
	m.session.acked = 6;
	m.session.sm = true;
	m.session.ledger = (struct bus_list){.items = ledger, .count = 1};
	m.session.unacked = (struct bus_list){.items = unacked, .count = 1};
	detach(s, &m);
	list = load(s, 0, 1, 0)->sessions;
	assert_true(bus_list_next(&list, &bus_record_session, &r));
	assert_true(str_is(r.jid, "a@x/phone"));
	assert_int_equal(r.epoch, 4);
	assert_int_equal(r.done, 5);
	assert_int_equal(r.ledger.count, 1);
	inner = r.unacked;
	assert_true(bus_list_next(&inner, &bus_record_unacked, &u));
	assert_int_equal(u.k, 7);
	assert_true(str_is(u.st.payload, "<body>hi</body>"));
	assert_false(bus_list_next(&list, &bus_record_session, &r));
}

static void
test_older_writes_change_nothing(void **state)
{
	struct store *s = *state;
	struct msg_DETACH old = record(1, 2, "a@x/r"), young = record(1, 3, "a@x/r");

	detach(s, &young);
	detach(s, &old);
	assert_int_equal(epoch_in_store(s), 3);
	drop(s, 1, 2);
	assert_int_equal(epoch_in_store(s), 3);
	drop(s, 1, 3);
	assert_int_equal(epoch_in_store(s), 0);
	drop(s, 1, 3);
}

static void
test_inv_25_one_handle_wins_a_claim(void **state)
{
	struct store *s = *state;
	struct msg_DETACH m = record(1, 2, "a@x/r");

	assert_int_equal(claim(s, 1, 3, 11, 1), JOB_REFUSE);
	assert_int_equal(s->job.error, BUS_ERROR_NOT_FOUND);
	detach(s, &m);
	assert_int_equal(claim(s, 1, 2, 11, 1), JOB_REFUSE);
	assert_int_equal(claim(s, 1, 3, 11, 1), JOB_ANSWER);
	/* a replay of it */
	assert_int_equal(claim(s, 1, 3, 11, 1), JOB_ANSWER);
	assert_int_equal(claim(s, 1, 3, 11, 2), JOB_REFUSE);
	assert_int_equal(claim(s, 1, 4, 12, 1), JOB_REFUSE);
	assert_int_equal(s->job.error, BUS_ERROR_CONFLICT);
}

static void
test_detach_frees_what_was_claimed(void **state)
{
	struct store *s = *state;
	struct msg_DETACH m = record(1, 2, "a@x/r"), older = record(1, 1, "a@x/r");

	detach(s, &m);
	assert_int_equal(claim(s, 1, 3, 11, 1), JOB_ANSWER);
	detach(s, &older);
	assert_int_equal(claim(s, 1, 3, 12, 1), JOB_REFUSE);
	detach(s, &m);
	assert_int_equal(claim(s, 1, 3, 12, 1), JOB_ANSWER);
}

/* ---- LOAD ---- */

static void
fill(struct store *s, unsigned n, struct str payload)
{
	for (unsigned i = 0; i < n; i++) {
		char jid[32];
		struct msg_DETACH m;

		snprintf(jid, sizeof(jid), "u%u@x/r", i);
		m = record(i, 1, jid);
		m.session.presence_payload = payload;
		detach(s, &m);
	}
}

static unsigned
count_shard(struct store *s, uint8_t shard, uint8_t shards, unsigned *pages_r)
{
	uint64_t after = 0;
	unsigned n = 0;
	bool more = true;

	for (*pages_r = 0; more; ++*pages_r) {
		const struct msg_LOADED *page = load(s, shard, shards, after);
		struct bus_list list = page->sessions;
		struct rec_session r;

		assert_true(
		    bus_size(bus_message(MSG_LOADED), page) <= BUS_FRAME_MAX - BUS_HEADER_BYTES);
		for (; bus_list_next(&list, &bus_record_session, &r); n++)
			assert_int_equal(bus_shard(jid_split(r.jid).bare, shards), shard);
		after = page->last;
		more = page->more;
	}
	return n;
}

static void
test_a_shard_is_loaded_in_pages(void **state)
{
	struct store *s = *state;
	char *large = mem_new(60000);
	unsigned pages, all = 0;

	memset(large, 'p', 60000);
	fill(s, 40, str_of(large, 60000));
	assert_int_equal(count_shard(s, 0, 1, &pages), 40);
	assert_int_equal(pages, 3);
	for (uint8_t shard = 0; shard < 3; shard++)
		all += count_shard(s, shard, 3, &pages);
	assert_int_equal(all, 40);
	free(large);
}

static void
test_small_records_fill_pages_by_number(void **state)
{
	unsigned pages;

	fill(*state, 1001, S(""));
	assert_int_equal(count_shard(*state, 0, 1, &pages), 1001);
	assert_int_equal(pages, 2);
}

static void
test_a_record_of_another_layout_is_left_alone(void **state)
{
	struct store *s = *state;
	struct msg_DETACH m = record(1, 2, "a@x/r");

	detach(s, &m);
	sqlite3_exec(s->main, "UPDATE session SET layout = layout + 1", NULL, NULL, NULL);
	assert_int_equal(epoch_in_store(s), 0);
	assert_int_equal(claim(s, 1, 3, 11, 1), JOB_ANSWER);
}

static void
test_a_record_that_fits_no_answer_is_refused(void **state)
{
	struct store *s = *state;
	char *text = mem_new(700 * 1024);
	struct rec_unacked unacked[2] = {{.k = 1}, {.k = 2}};
	struct msg_DETACH m = record(1, 1, "a@x/r");

	memset(text, 'p', 700 * 1024);
	unacked[0].st.payload = unacked[1].st.payload = str_of(text, 700 * 1024);
	m.session.unacked = (struct bus_list){.items = unacked, .count = 2};
	assert_int_equal(both(s, detached_put, MSG_DETACH, &m), SQLITE_TOOBIG);
	assert_int_equal(epoch_in_store(s), 0);
	free(text);
}

/* ---- owed messages ---- */

static void
owe(struct store *s, uint8_t origin, uint64_t n, const char *to)
{
	struct msg_STORE m = {.owed = true,
	    .stamp_us = 1,
	    .st = {.kind = STANZA_MESSAGE, .type = TYPE_CHAT, .from = S("b@x/1"), .to = str_z(to)}};

	s->job.op = op_of(origin, n, OP_OWED);
	assert_int_equal(store_run(s, s->archive, archive_store, &m), SQLITE_OK);
	assert_int_equal(s->job.result, JOB_SILENT);
}

static unsigned
owed(struct store *s, const char *owner)
{
	struct msg_OWED_FETCH m = {.req = 1, .owner = str_z(owner)};

	assert_int_equal(store_run(s, s->archive, archive_owed_fetch, &m), SQLITE_OK);
	return s->job.answer.owed.items.count;
}

/* Messages (5, 1) and (5, 2), and a carbon of (5, 3). */
static struct msg_DETACH
record_with_messages(struct rec_unacked unacked[3])
{
	struct msg_DETACH m = record(1, 2, "a@x/r");
	static const uint16_t KINDS[] = {OP_DELIVERY, OP_DELIVERY, OP_CARBON};

	for (unsigned i = 0; i < 3; i++) {
		struct opid op = op_of(5, 3 - i, OP_DELIVERY);

		unacked[i] = (struct rec_unacked){
		    .k = i + 1, .origin = op.origin, .n = op.n, .kind = KINDS[2 - i]};
	}
	m.session.unacked = (struct bus_list){.items = unacked, .count = 3};
	return m;
}

static void
test_what_a_record_contains_is_owed_no_longer(void **state)
{
	struct store *s = *state;
	struct rec_unacked unacked[3];
	struct msg_DETACH m = record_with_messages(unacked);

	for (uint64_t n = 1; n <= 4; n++)
		owe(s, 5, n, "a@x");
	owe(s, 6, 1, "c@x");
	assert_int_equal(owed(s, "a@x"), 4);
	detach(s, &m);
	assert_int_equal(owed(s, "a@x"), 2);
	assert_int_equal(owed(s, "c@x"), 1);
	detach(s, &m);
	assert_int_equal(owed(s, "a@x"), 2);
}

/* Its session ends without having given it: it goes back to where it came from. */
static void
test_what_a_record_contained_may_be_owed_again(void **state)
{
	struct store *s = *state;
	struct rec_unacked unacked[3];
	struct msg_DETACH m = record_with_messages(unacked);

	owe(s, 5, 1, "a@x");
	detach(s, &m);
	assert_int_equal(owed(s, "a@x"), 0);
	owe(s, 5, 1, "a@x");
	assert_int_equal(owed(s, "a@x"), 1);
	owe(s, 5, 1, "a@x");
	assert_int_equal(owed(s, "a@x"), 1);
}

static void
test_a_death_between_the_parts_loses_nothing(void **state)
{
	struct store *s = *state;
	struct rec_unacked unacked[3];
	struct msg_DETACH m = record_with_messages(unacked);

	owe(s, 5, 1, "a@x");
	bus_encode(&s->job.body, bus_message(MSG_DETACH), &m);
	assert_int_equal(store_run(s, s->main, detached_put, &m), SQLITE_OK);
	store_restart(s);
	assert_int_equal(epoch_in_store(s), 2);
	assert_int_equal(owed(s, "a@x"), 1);
	detach(s, &m);
	assert_int_equal(owed(s, "a@x"), 0);
}

/* Its time is up: what it contained has been stored as owed by then, and stays so. */
static void
test_drop_of_an_ended_session_takes_the_row_alone(void **state)
{
	struct store *s = *state;
	struct rec_unacked unacked[3];
	struct msg_DETACH m = record_with_messages(unacked);

	detach(s, &m);
	owe(s, 5, 1, "a@x");
	drop_as(s, 1, 3, false);
	assert_int_equal(owed(s, "a@x"), 1);
	assert_int_equal(epoch_in_store(s), 0);
}

static void
test_drop_takes_what_the_record_contains(void **state)
{
	struct store *s = *state;
	struct rec_unacked unacked[3];
	struct msg_DETACH m = record_with_messages(unacked);

	owe(s, 5, 1, "a@x");
	bus_encode(&s->job.body, bus_message(MSG_DETACH), &m);
	assert_int_equal(store_run(s, s->main, detached_put, &m), SQLITE_OK);
	drop(s, 1, 1);
	assert_int_equal(owed(s, "a@x"), 1);
	drop(s, 1, 3);
	assert_int_equal(owed(s, "a@x"), 0);
	assert_int_equal(epoch_in_store(s), 0);
}

static void
test_an_older_record_takes_nothing(void **state)
{
	struct store *s = *state;
	struct rec_unacked unacked[3];
	struct msg_DETACH old = record_with_messages(unacked), young = record(1, 3, "a@x/r");

	owe(s, 5, 1, "a@x");
	detach(s, &young);
	detach(s, &old);
	assert_int_equal(owed(s, "a@x"), 1);
}

static void
test_an_account_takes_its_sessions_with_it(void **state)
{
	struct store *s = *state;
	struct msg_DETACH a = record(1, 1, "a@x/r"), b = record(2, 9, "b@x/r");
	struct msg_USER_ERASE m = {.req = 1, .owner = S("a@x")};

	detach(s, &a);
	detach(s, &b);
	assert_int_equal(store_run(s, s->main, account_erase, &m), SQLITE_OK);
	assert_int_equal(epoch_in_store(s), 9);
}

static int
teardown(void **state)
{
	struct store *s = *state;

	buf_deinit(&s->job.body);
	buf_deinit(&s->job.carried);
	return store_teardown(state);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, store_setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    SCENE(test_a_record_comes_back_as_it_was),
	    SCENE(test_older_writes_change_nothing),
	    SCENE(test_inv_25_one_handle_wins_a_claim),
	    SCENE(test_detach_frees_what_was_claimed),
	    SCENE(test_a_shard_is_loaded_in_pages),
	    SCENE(test_small_records_fill_pages_by_number),
	    SCENE(test_a_record_of_another_layout_is_left_alone),
	    SCENE(test_a_record_that_fits_no_answer_is_refused),
	    SCENE(test_what_a_record_contains_is_owed_no_longer),
	    SCENE(test_what_a_record_contained_may_be_owed_again),
	    SCENE(test_a_death_between_the_parts_loses_nothing),
	    SCENE(test_drop_of_an_ended_session_takes_the_row_alone),
	    SCENE(test_drop_takes_what_the_record_contains),
	    SCENE(test_an_older_record_takes_nothing),
	    SCENE(test_an_account_takes_its_sessions_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
