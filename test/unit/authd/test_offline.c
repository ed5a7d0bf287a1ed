/* The offline mode's requests and answers (offline.h), and backups, on the store of an authd that
 * runs. */
#include "authd_rig.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "offline.h"

static struct authd *
authd(void)
{
	return rig.daemon.state;
}

static bool
was_told(void)
{
	return rig.notices.removed > 0;
}

static void
offline_add(struct buf *in, enum msg_type type, const void *msg)
{
	struct buf body = {0};

	bus_encode(&body, bus_message(type), msg);
	buf_add_u32(in, (uint32_t)(2 + buf_len(&body)));
	buf_add_u16(in, (uint16_t)type);
	buf_add_str(in, buf_str(&body));
	buf_deinit(&body);
}

static unsigned
offline_type(const struct buf *b)
{
	const uint8_t *p = (const uint8_t *)buf_str(b).p;

	return p[4] | (unsigned)p[5] << 8;
}

static bool
offline_ask(struct buf *out, enum msg_type type, const void *msg)
{
	struct buf in = {0};
	bool ok;

	buf_clear(out);
	offline_add(&in, type, msg);
	ok = offline_step(authd(), &in, out) && buf_len(&in) == 0;
	buf_deinit(&in);
	return ok;
}

static void
test_offline(void **state)
{
	struct msg_USER_ADD add = {
	    .req = 5, .jid = S("alice@example.org"), .password = S("wonderland")};
	struct msg_USER_LIST list = {.req = 6};
	struct msg_USER_DEL del = {.req = 7, .jid = S("alice@example.org")};
	struct msg_CAP_KEY_GET other = {0};
	struct msg_DONE done;
	struct buf out = {0};

	(void)state;
	rig_settle();
	assert_true(offline_ask(&out, MSG_USER_ADD, &add));
	assert_int_equal(offline_type(&out), MSG_DONE);
	assert_true(bus_decode(bus_message(MSG_DONE), str_from(buf_str(&out), 6), &done));
	assert_int_equal(done.re, 5);
	assert_int_equal(rig_plain(1, "alice", "wonderland")->auth.outcome, AUTH_SUCCESS);
	rig_settle();
	assert_true(offline_ask(&out, MSG_USER_ADD, &add));
	assert_int_equal(offline_type(&out), MSG_FAILED);
	assert_true(offline_ask(&out, MSG_USER_LIST, &list));
	assert_int_equal(offline_type(&out), MSG_USERS);
	assert_true(offline_ask(&out, MSG_USER_DEL, &del));
	assert_int_equal(offline_type(&out), MSG_DONE);
	/* not what ctl may say, and what nobody may */
	assert_false(offline_ask(&out, MSG_CAP_KEY_GET, &other));
	buf_deinit(&out);
	/* the removal is told when the suite runs */
	rig_restart_authd();
	assert_true(rig_wait(was_told));
	assert_string_equal(rig.notices.jid, "alice@example.org");
}

static void
test_offline_malformed(void **state)
{
	static const char *const wrong[] = {"\x01\x00\x00\x00"
					    "xx",
	    "\xff\xff\xff\xff"
	    "xx",
	    "\x02\x00\x00\x00\xff\xff",
	    "\x04\x00\x00\x00\x6e\x00"
	    "xx"};
	struct buf in = {0}, out = {0};

	(void)state;
	rig_settle();
	for (size_t i = 0; i < COUNT(wrong); i++) {
		buf_clear(&in);
		buf_add(&in, wrong[i], i == 3 ? 8 : 6);
		assert_false(offline_step(authd(), &in, &out));
	}
	buf_clear(&in);
	buf_add(&in, "\x10\x00\x00", 3);
	assert_true(offline_step(authd(), &in, &out));
	assert_int_equal(buf_len(&in), 3);
	buf_deinit(&in);
	buf_deinit(&out);
}

/* A backup is taken beside the writer, and is a whole credentials.db. */
static void
test_backup(void **state)
{
	static const char name[] = "copy.db";
	struct store_request r = {.verb = STORE_FIND, .jid = S("alice@example.org")};
	struct buf out = {0};
	struct store *copy;
	struct err err;
	int fd;

	(void)state;
	rig_add("alice@example.org", "wonderland");
	assert_false(authd_control(&rig.daemon, S("restore"), NULL, 0, &out));
	assert_true(authd_control(&rig.daemon, S("backup"), NULL, 0, &out));
	assert_true(str_starts(buf_str(&out), S("error: ")));
	buf_clear(&out);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && authd_control(&rig.daemon, S("backup"), &fd, 1, &out));
	assert_true(str_is(buf_str(&out), "ok\n"));
	buf_deinit(&out);
	copy = store_open(name, &err);
	assert_non_null(copy);
	assert_int_equal(store_run(copy, &r), STORE_OK);
	store_request_deinit(&r);
	store_close(&copy, NULL);
	assert_int_equal(access(AUTHD_DATA "/backup.tmp", F_OK), -1);
	assert_int_equal(rig_plain(1, "alice", "wonderland")->auth.outcome, AUTH_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_offline),
	    TEST(test_offline_malformed),
	    TEST(test_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
