/* The small modules of base: mem arena list map err clock id enc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/id.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

static void
test_mem(void **state)
{
	(void)state;
	int *a = mem_new_array(10, sizeof(*a));
	for (int i = 0; i < 10; i++)
		assert_int_equal(a[i], 0);
	a = mem_grow(a, 100 * sizeof(*a));
	assert_int_equal(a[9], 0);
	free(a);
	char *d = mem_dup("abc", 4), *none = mem_dup(NULL, 0);
	assert_string_equal(d, "abc");
	assert_non_null(none);
	free(d);
	free(none);
}

static void
test_arena_alignment_and_zero(void **state)
{
	(void)state;
	struct arena a = {0};
	for (size_t n = 0; n < 5000; n += 37) {
		unsigned char *p = arena_alloc(&a, n);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xFF, n);
	}
	arena_clear(&a);
	unsigned char *again = arena_alloc(&a, 100);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(again[i], 0);
	arena_deinit(&a);
	arena_deinit(&a);
}

static void
test_arena_strings(void **state)
{
	(void)state;
	struct arena a = {0};
	arena_clear(&a);
	struct str copy = arena_str(&a, S("abc")), text = arena_printf(&a, "%d-%s", 7, "x");
	char *big = arena_alloc(&a, 1000000);
	struct str after = arena_str(&a, S("after"));
	memset(big, 'b', 1000000);
	assert_true(str_is(copy, "abc"));
	assert_true(str_is(text, "7-x"));
	assert_true(str_is(after, "after"));
	assert_string_equal(arena_z(&a, (struct str){0}), "");
	arena_deinit(&a);
}

struct item {
	int n;
	struct list node;
};

static void
test_list(void **state)
{
	(void)state;
	struct list l;
	struct item items[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
	int seen = 0;
	list_init(&l);
	assert_true(list_empty(&l));
	for (size_t i = 0; i < 3; i++)
		list_add(&l, &items[i].node);
	LIST_FOREACH(&l, it)
		seen = seen * 10 + CONTAINER_OF(it, struct item, node)->n;
	assert_int_equal(seen, 123);
	LIST_FOREACH_SAFE(&l, it, nx)
		if (CONTAINER_OF(it, struct item, node)->n == 2)
			list_remove(it);
	seen = 0;
	LIST_FOREACH(&l, it)
		seen = seen * 10 + CONTAINER_OF(it, struct item, node)->n;
	assert_int_equal(seen, 13);
	assert_true(list_empty(&items[1].node));
	list_remove(&items[1].node);
	list_remove(&items[0].node);
	list_remove(&items[2].node);
	assert_true(list_empty(&l));
}

struct entry {
	char key[16];
	int value;
	UT_hash_handle hh;
};

static void
test_map(void **state)
{
	(void)state;
	struct entry *map = NULL, *e, *next;
	for (int i = 0; i < 1000; i++) {
		e = NEW(struct entry);
		snprintf(e->key, sizeof(e->key), "key%d", i);
		e->value = i;
		HASH_ADD_KEYPTR(hh, map, e->key, strlen(e->key), e);
	}
	assert_int_equal(HASH_COUNT(map), 1000);
	HASH_FIND(hh, map, "key500", 6, e);
	assert_non_null(e);
	assert_int_equal(e->value, 500);
	HASH_FIND(hh, map, "nokey", 5, e);
	assert_null(e);
	HASH_ITER(hh, map, e, next) {
		HASH_DEL(map, e);
		free(e);
	}
	assert_int_equal(map_hash("abc", 3), map_hash("abc", 3));
	assert_int_not_equal(map_hash("abc", 3), map_hash("abd", 3));
}

static void
test_err(void **state)
{
	(void)state;
	struct err e = {{0}};
	char big[2000];
	assert_int_equal(err_set(&e, "no %s", "file"), -1);
	assert_int_equal(err_prefix(&e, "line %d", 3), -1);
	assert_string_equal(e.text, "line 3: no file");
	err_set(&e, "again: %s", e.text);
	assert_string_equal(e.text, "again: line 3: no file");
	assert_int_equal(err_set(NULL, "x"), -1);
	assert_int_equal(err_prefix(NULL, "x"), -1);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, "%s", big);
	err_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void
test_clock_stamp(void **state)
{
	(void)state;
	static const struct {
		int64_t us;
		const char *stamp;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {1, "1970-01-01T00:00:00.000Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {951782400000000, "2000-02-29T00:00:00.000Z"},
	    {951868799999999, "2000-02-29T23:59:59.999Z"},
	    {951868800000000, "2000-03-01T00:00:00.000Z"},
	    {1709164800000000, "2024-02-29T00:00:00.000Z"},
	    {1795197600123000, "2026-11-20T18:00:00.123Z"},
	    {4107542400000000, "2100-03-01T00:00:00.000Z"},
	    {253402300799999999, "9999-12-31T23:59:59.999Z"},
	    {-62167219200000000, "0000-01-01T00:00:00.000Z"},
	};
	char out[CLOCK_STAMP_MAX];
	for (size_t i = 0; i < COUNT(cases); i++) {
		clock_stamp(cases[i].us, out);
		assert_string_equal(out, cases[i].stamp);
	}
	clock_stamp(INT64_MAX, out);
	assert_int_equal(strlen(out), 24);
	clock_stamp(INT64_MIN, out);
	assert_int_equal(strlen(out), 24);
}

static void
test_clock_offset(void **state)
{
	(void)state;
	const int64_t hour = 3600000000;
	int64_t before = clock_wall_us();
	uint64_t mono = clock_mono_us();
	clock_set_offset_us(-hour);
	assert_true(clock_wall_us() < before - hour / 2);
	assert_true(clock_mono_us() >= mono);
	clock_set_offset_us(0);
	assert_true(clock_wall_us() >= before);
	assert_true(clock_mono_ms() >= mono / 1000);
}

static void
test_inv_17_ids(void **state)
{
	(void)state;
	char hex[2 * ID_BYTES + 1];
	struct id128 zero = {{0}}, a = id_random(), b = id_random(), c = zero;
	assert_true(id_is_zero(&zero));
	assert_false(id_is_zero(&a));
	assert_false(id_eq(&a, &b));
	id_hex(&a, hex);
	assert_int_equal(strlen(hex), 32);
	assert_true(id_from_hex(&c, str_z(hex)));
	assert_true(id_eq(&a, &c));
	assert_false(id_from_hex(&c, S("00")));
	assert_false(id_from_hex(&c, S("0123456789abcdef0123456789abcdeg")));
	assert_false(id_from_hex(&c, S("0123456789abcdef0123456789abcdef0")));
	assert_true(id_eq(&a, &c));
	assert_true(id_random_u64() != id_random_u64());
}

static void
test_inv_16_secret_eq(void **state)
{
	(void)state;
	char secret[] = "secret";
	assert_true(secret_eq(S("secret"), S("secret")));
	assert_true(secret_eq((struct str){0}, S("")));
	assert_false(secret_eq(S("secret"), S("secres")));
	assert_false(secret_eq(S("secret"), S("secret ")));
	secret_wipe(secret, sizeof(secret));
	assert_int_equal(secret[0], 0);
}

static void
test_base64(void **state)
{
	(void)state;
	static const struct {
		const char *plain, *coded;
	} pairs[] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	    {"\xFB\xFF\xBF", "+/+/"},
	};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9",
	    "Zm9v\n", "=Zm9", "Zm=v", "Zg==Zg==", "-_-_", "Zm9v====", "===="};
	struct buf out = {0};
	for (size_t i = 0; i < COUNT(pairs); i++) {
		buf_clear(&out);
		enc_base64(&out, str_z(pairs[i].plain));
		assert_true(str_is(buf_str(&out), pairs[i].coded));
		buf_clear(&out);
		assert_true(dec_base64(&out, str_z(pairs[i].coded)));
		assert_true(str_is(buf_str(&out), pairs[i].plain));
	}
	buf_clear(&out);
	buf_add_z(&out, "kept");
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(dec_base64(&out, str_z(bad[i])));
	assert_false(dec_base64(&out, S("Zm9\0")));
	assert_true(str_is(buf_str(&out), "kept"));
	enc_hex(&out, S("\x00\xFFz"));
	assert_true(str_is(buf_str(&out), "kept00ff7a"));
	buf_deinit(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mem),
	    cmocka_unit_test(test_arena_alignment_and_zero),
	    cmocka_unit_test(test_arena_strings),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_map),
	    cmocka_unit_test(test_err),
	    cmocka_unit_test(test_clock_stamp),
	    cmocka_unit_test(test_clock_offset),
	    cmocka_unit_test(test_inv_17_ids),
	    cmocka_unit_test(test_inv_16_secret_eq),
	    cmocka_unit_test(test_base64),
	};
	id_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
