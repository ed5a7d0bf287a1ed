/* The header and the cutting of a stream into frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/mem.h"
#include "bus/frame.h"

static struct {
	struct frame frames[16];
	unsigned n, stop_at;
} t;

static bool
take(void *ctx, const struct frame *f)
{
	assert_ptr_equal(ctx, &t);
	t.frames[t.n++] = *f;
	return t.n != t.stop_at;
}

static struct frame
a_frame(void)
{
	return (struct frame){
	    .src = frame_endpoint(ROLE_C2SD, 1),
	    .dst = frame_endpoint(ROLE_SESSIOND, 0),
	    .src_inc = 0x1122334455667788u,
	    .dst_inc = 2,
	    .seq = 10,
	    .floor = 9,
	    .origin = {{0xaa}},
	    .n = 3,
	    .kind = OP_STANZA,
	};
}

static void
add_frame(struct buf *b, uint64_t count)
{
	struct frame f = a_frame();
	struct msg_REG_END end = {count};
	frame_add_message(b, &f, bus_message(MSG_REG_END), &end);
}

static void
test_header(void **state)
{
	(void)state;
	struct buf b = {0}, hex = {0};
	const char *error;
	struct frame_cutter c = {{0}};
	memset(&t, 0, sizeof(t));
	add_frame(&b, 7);
	enc_hex(&hex, buf_str(&b));
	assert_true(str_eq(buf_str(&hex),
	    S("4e000000"
	      "3e00"
	      "01"
	      "00"
	      "0101"
	      "0004"
	      "8877665544332211"
	      "0200000000000000"
	      "0a00000000000000"
	      "0900000000000000"
	      "aa000000000000000000000000000000"
	      "0300000000000000"
	      "0000"
	      "0700000000000000")));
	assert_true(frame_cut(&c, buf_str(&b), take, &t, &error));
	assert_int_equal(t.n, 1);
	assert_null(frame_check(&t.frames[0]));
	assert_int_equal(t.frames[0].src_inc, 0x1122334455667788u);
	assert_int_equal(t.frames[0].floor, 9);
	assert_int_equal(t.frames[0].body.n, 8);
	frame_cutter_deinit(&c);
	buf_deinit(&b);
	buf_deinit(&hex);
}

/* Whatever the pieces, the same frames come out. */
static void
test_any_pieces(void **state)
{
	(void)state;
	struct buf b = {0};
	const char *error;
	for (unsigned i = 0; i < 5; i++)
		add_frame(&b, i);
	for (size_t size = 1; size <= buf_len(&b); size++) {
		struct frame_cutter c = {{0}};
		memset(&t, 0, sizeof(t));
		for (size_t at = 0; at < buf_len(&b); at += size) {
			size_t n = buf_len(&b) - at < size ? buf_len(&b) - at : size;
			void *piece = mem_dup(b.data + at, n);
			assert_true(frame_cut(&c, str_of(piece, n), take, &t, &error));
			free(piece);
		}
		assert_int_equal(t.n, 5);
		assert_int_equal(buf_len(&c.partial), 0);
		frame_cutter_deinit(&c);
	}
	buf_deinit(&b);
}

static void
test_inv_29_impossible_lengths(void **state)
{
	(void)state;
	static const uint32_t lengths[] = {
	    0, 1, BUS_HEADER_BYTES - 1, BUS_FRAME_MAX + 1, UINT32_MAX};
	for (unsigned i = 0; i < COUNT(lengths); i++) {
		for (int pieces = 0; pieces < 2; pieces++) {
			struct frame_cutter c = {{0}};
			struct buf b = {0};
			const char *error = NULL;
			buf_add_u32(&b, lengths[i]);
			bool ok = true;
			if (pieces)
				ok = frame_cut(&c, str_of(b.data, 2), take, &t, &error) &&
				    frame_cut(&c, str_of(b.data + 2, 2), take, &t, &error);
			else
				ok = frame_cut(&c, buf_str(&b), take, &t, &error);
			assert_false(ok);
			assert_non_null(error);
			frame_cutter_deinit(&c);
			buf_deinit(&b);
		}
	}
}

static void
test_the_taker_may_stop(void **state)
{
	(void)state;
	struct buf b = {0};
	struct frame_cutter c = {{0}};
	const char *error;
	memset(&t, 0, sizeof(t));
	t.stop_at = 2;
	for (unsigned i = 0; i < 3; i++)
		add_frame(&b, i);
	assert_false(frame_cut(&c, buf_str(&b), take, &t, &error));
	assert_null(error);
	assert_int_equal(t.n, 2);
	frame_cutter_deinit(&c);
	buf_deinit(&b);
}

static void
test_inv_29_what_a_header_must_satisfy(void **state)
{
	(void)state;
	struct frame good = a_frame();
	good.type = MSG_REG_END;
	good.level = 1;
	assert_null(frame_check(&good));
#define REFUSED(change)                           \
	do {                                      \
		struct frame f = good;            \
		f.change;                         \
		assert_non_null(frame_check(&f)); \
	} while (0)
	REFUSED(type = 0);
	REFUSED(type = 9999);
	REFUSED(level = 2);
	REFUSED(seq = 0);
	REFUSED(floor = 11);
	REFUSED(flags = 4);
	REFUSED(src = 0xffff);
	REFUSED(dst = 0xffff);
	good.flags = FRAME_NOP;
	assert_null(frame_check(&good));
	REFUSED(body = S("x"));
	good = (struct frame){.type = MSG_PING};
	assert_null(frame_check(&good));
	REFUSED(seq = 1);
	REFUSED(flags = FRAME_NOP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_header),
	    cmocka_unit_test(test_any_pieces),
	    cmocka_unit_test(test_inv_29_impossible_lengths),
	    cmocka_unit_test(test_the_taker_may_stop),
	    cmocka_unit_test(test_inv_29_what_a_header_must_satisfy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
