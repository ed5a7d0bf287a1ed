/* buf: growth, consumption, integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"

static void
test_zeroed_is_empty(void **state)
{
	(void)state;
	struct buf b = {0};
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(buf_str(&b).n, 0);
	buf_clear(&b);
	buf_trim(&b);
	buf_consume(&b, 0);
	buf_deinit(&b);
	buf_deinit_secret(&b);
}

static void
test_add_and_consume(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add_z(&b, "hello");
	buf_add_c(&b, ' ');
	buf_add_str(&b, S("world"));
	buf_add(&b, NULL, 0);
	buf_printf(&b, " %d%s", 42, "!");
	assert_true(str_is(buf_str(&b), "hello world 42!"));
	buf_consume(&b, 6);
	assert_true(str_is(buf_str(&b), "world 42!"));
	buf_consume(&b, buf_len(&b));
	assert_int_equal(b.start, 0);
	assert_int_equal(b.end, 0);
	buf_trim(&b);
	assert_null(b.data);
}

/* A queue that is filled and drained at the same pace must not grow. */
static void
test_room_is_used_again(void **state)
{
	(void)state;
	struct buf b = {0};
	char block[100];
	memset(block, 'x', sizeof(block));
	buf_add(&b, block, sizeof(block));
	for (int i = 0; i < 10000; i++) {
		buf_add(&b, block, sizeof(block));
		buf_consume(&b, sizeof(block));
	}
	assert_true(b.cap <= 1024);
	assert_int_equal(buf_len(&b), sizeof(block));
	buf_deinit_secret(&b);
	assert_null(b.data);
}

static void
test_content_survives_growth(void **state)
{
	(void)state;
	struct buf b = {0};
	uint8_t next = 0, expected = 0;
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < round; i++)
			buf_add_u8(&b, next++);
		size_t eat = round / 3;
		for (size_t i = 0; i < eat; i++)
			assert_int_equal((uint8_t)buf_str(&b).p[i], expected++);
		buf_consume(&b, eat);
	}
	for (size_t i = 0; i < buf_len(&b); i++)
		assert_int_equal((uint8_t)buf_str(&b).p[i], expected++);
	buf_deinit(&b);
}

static void
test_little_endian(void **state)
{
	(void)state;
	struct buf b = {0};
	buf_add_u8(&b, 0x01);
	buf_add_u16(&b, 0x0302);
	buf_add_u32(&b, 0x07060504);
	buf_add_u64(&b, 0x0F0E0D0C0B0A0908);
	for (size_t i = 0; i < 15; i++)
		assert_int_equal(buf_str(&b).p[i], i + 1);
	assert_int_equal(buf_len(&b), 15);
	buf_deinit(&b);
}

static void
test_reserve_commit(void **state)
{
	(void)state;
	struct buf b = {0};
	memcpy(buf_reserve(&b, 5000), "abc", 3);
	buf_commit(&b, 3);
	assert_true(str_is(buf_str(&b), "abc"));
	buf_deinit(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_zeroed_is_empty),
	    cmocka_unit_test(test_add_and_consume),
	    cmocka_unit_test(test_room_is_used_again),
	    cmocka_unit_test(test_content_survives_growth),
	    cmocka_unit_test(test_little_endian),
	    cmocka_unit_test(test_reserve_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
