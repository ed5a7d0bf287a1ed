/* Every message of messages.def: round trip, truncation, trailing byte, over-maximum, golden bytes.
 * `test_messages --golden >test/unit/golden_messages.inc` writes the golden bytes anew after an intended change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"
#include "base/mem.h"
#include "bus/messages.h"

#define ITEMS 2

/* ---- values made from a descriptor ---- */

struct filler {
	struct buf pool; /* reserved once: what points into it stays valid */
	uint64_t next;
};

static void fill_record(struct filler *f, const struct bus_record *r, void *record);

static void *
filler_alloc(struct filler *f, size_t n)
{
	n = (n + 15) & ~(size_t)15;
	assert_true(f->pool.end + n <= f->pool.cap);
	void *p = f->pool.data + f->pool.end;
	memset(p, 0, n);
	f->pool.end += n;
	return p;
}

static struct str
fill_text(struct filler *f)
{
	char *p = filler_alloc(f, 4);
	int n = snprintf(p, 4, "t%02u", (unsigned)(f->next++ % 100));
	return str_of(p, (size_t)n);
}

static void
fill_field(struct filler *f, const struct bus_field *d, void *p)
{
	switch (d->kind) {
	case FIELD_u8:
		*(uint8_t *)p = (uint8_t)(d->max ? f->next++ % (d->max + 1) : f->next++);
		return;
	case FIELD_bool:
		*(bool *)p = f->next++ % 2;
		return;
	case FIELD_u16:
		*(uint16_t *)p = (uint16_t)(0x100 + f->next++);
		return;
	case FIELD_u32:
		*(uint32_t *)p = (uint32_t)(0x10000 + f->next++);
		return;
	case FIELD_u64:
	case FIELD_i64:
	case FIELD_req:
	case FIELD_re:
		*(uint64_t *)p = 0x0102030400000000u + f->next++;
		return;
	case FIELD_id:
	case FIELD_token:
		memset(p, (int)f->next++, ID_BYTES);
		return;
	case FIELD_str:
	case FIELD_jid:
	case FIELD_bytes:
	case FIELD_xml:
	case FIELD_sealed:
		*(struct str *)p = fill_text(f);
		return;
	case FIELD_record:
		fill_record(f, d->record, p);
		return;
	case FIELD_list: {
		uint8_t *items = filler_alloc(f, ITEMS * d->record->size);
		for (int i = 0; i < ITEMS; i++)
			fill_record(f, d->record, items + (size_t)i * d->record->size);
		*(struct bus_list *)p = (struct bus_list){.items = items, .count = ITEMS};
		return;
	}
	}
}

static void
fill_record(struct filler *f, const struct bus_record *r, void *record)
{
	for (uint32_t i = 0; i < r->n_fields; i++)
		fill_field(f, &r->fields[i], (uint8_t *)record + r->fields[i].offset);
}

static void *
fill_message(struct filler *f, const struct bus_record *r)
{
	*f = (struct filler){0};
	buf_reserve(&f->pool, 256 * 1024);
	void *value = filler_alloc(f, r->size);
	fill_record(f, r, value);
	return value;
}

typedef void each_fn(const struct bus_message *m);

static void
each_message(each_fn *fn)
{
	unsigned count;
	bus_message_at(0, &count);
	assert_true(count > 50);
	for (unsigned i = 0; i < count; i++)
		fn(bus_message_at(i, NULL));
}

/* ---- the rules ---- */

static void
check_round_trip(const struct bus_message *m)
{
	struct filler f;
	struct buf a = {0}, b = {0};
	void *value = fill_message(&f, &m->body);
	bus_encode(&a, m, value);
	assert_int_equal(buf_len(&a), bus_size(m, value));
	void *back = mem_new(m->body.size);
	assert_true(bus_decode(m, buf_str(&a), back));
	bus_encode(&b, m, back);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));
	assert_int_equal(buf_len(&a), bus_size(m, back));
	free(back);
	buf_deinit(&a);
	buf_deinit(&b);
	buf_deinit(&f.pool);
}

static void
test_round_trip(void **state)
{
	(void)state;
	each_message(check_round_trip);
}

/* Each length is decoded from memory of exactly that size, so that the sanitizer sees a read too far. */
static void
check_lengths(const struct bus_message *m)
{
	struct filler f;
	struct buf a = {0};
	bus_encode(&a, m, fill_message(&f, &m->body));
	void *back = mem_new(m->body.size);
	for (size_t n = 0; n < buf_len(&a); n++) {
		void *exact = mem_dup(buf_str(&a).p, n);
		assert_false(bus_decode(m, str_of(exact, n), back));
		free(exact);
	}
	buf_add_c(&a, 0);
	assert_false(bus_decode(m, buf_str(&a), back));
	free(back);
	buf_deinit(&a);
	buf_deinit(&f.pool);
}

static void
test_inv_29_truncated_or_longer_is_refused(void **state)
{
	(void)state;
	each_message(check_lengths);
}

/* Sets one field to n (of its maximum's unit). */
static void
set_amount(struct filler *f, const struct bus_field *d, void *p, uint32_t n)
{
	if (d->kind == FIELD_u8) {
		*(uint8_t *)p = (uint8_t)n;
	} else if (d->kind == FIELD_list) {
		void *items = mem_new_array(n, d->record->size);
		*(struct bus_list *)p = (struct bus_list){.items = items, .count = n};
	} else {
		char *text = mem_new(n);
		memset(text, 'x', n);
		*(struct str *)p = str_of(text, n);
	}
	(void)f;
}

static void
free_amount(const struct bus_field *d, void *p)
{
	if (d->kind == FIELD_list)
		free((void *)(uintptr_t)((struct bus_list *)p)->items);
	else if (d->kind != FIELD_u8)
		free((void *)(uintptr_t)((struct str *)p)->p);
}

/* The table without maxima encodes what the real one must refuse. */
static void
check_field_maximum(const struct bus_record *r, uint32_t index)
{
	const struct bus_field *d = &r->fields[index];
	struct bus_field *lax_fields = mem_dup(r->fields, r->n_fields * sizeof(*lax_fields));
	for (uint32_t i = 0; i < r->n_fields; i++)
		lax_fields[i].max = 0;
	struct bus_message lax = {.body = {r->name, lax_fields, r->n_fields, r->size}};
	struct bus_message strict = {.body = *r};
	void *back = mem_new(r->size);
	for (uint32_t over = 0; over <= 1; over++) {
		struct filler f;
		struct buf a = {0};
		uint8_t *value = fill_message(&f, r);
		set_amount(&f, d, value + d->offset, d->max + over);
		bus_encode(&a, &lax, value);
		if (bus_decode(&strict, buf_str(&a), back) == (over == 1))
			fail_msg("%s.%s: %u", r->name, d->name, d->max + over);
		free_amount(d, value + d->offset);
		buf_deinit(&a);
		buf_deinit(&f.pool);
	}
	free(back);
	free(lax_fields);
}

static void
check_record_maxima(const struct bus_record *r)
{
	for (uint32_t i = 0; i < r->n_fields; i++) {
		if (r->fields[i].max > 0 &&
		    !(r->fields[i].kind == FIELD_u8 && r->fields[i].max == 255))
			check_field_maximum(r, i);
		if (r->fields[i].record)
			check_record_maxima(r->fields[i].record);
	}
}

static void
check_maxima(const struct bus_message *m)
{
	check_record_maxima(&m->body);
}

static void
test_over_maximum_is_refused(void **state)
{
	(void)state;
	each_message(check_maxima);
}

static void
test_bad_values_are_refused(void **state)
{
	(void)state;
	struct msg_BIND bind = {.jid = S("a@b"), .resource = S("x\xff")};
	struct buf a = {0};
	bus_encode(&a, bus_message(MSG_BIND), &bind);
	assert_false(bus_decode(bus_message(MSG_BIND), buf_str(&a), &bind));
	buf_clear(&a);
	bind.resource = S("x\0y");
	bus_encode(&a, bus_message(MSG_BIND), &bind);
	assert_false(bus_decode(bus_message(MSG_BIND), buf_str(&a), &bind));
	buf_clear(&a);
	struct msg_REG_END end = {.count = 1};
	bus_encode(&a, bus_message(MSG_REG_END), &end);
	assert_true(bus_decode(bus_message(MSG_REG_END), buf_str(&a), &end));
	buf_clear(&a);
	/* a list that claims more records than there are bytes */
	buf_add_u64(&a, 1);
	buf_add_u32(&a, 6000);
	struct msg_ACK ack;
	assert_false(bus_decode(bus_message(MSG_ACK), buf_str(&a), &ack));
	/* a bool of 2 */
	buf_clear(&a);
	buf_add_u64(&a, 1);
	buf_add_u8(&a, 2);
	buf_add_u32(&a, 0);
	struct msg_BLOB blob;
	assert_false(bus_decode(bus_message(MSG_BLOB), buf_str(&a), &blob));
	buf_deinit(&a);
}

static void
test_lists(void **state)
{
	(void)state;
	struct rec_seq_range ranges[] = {{5, 6}, {9, 9}};
	struct rec_channel_state channels[] = {
	    {.level = 1, .acked = 3},
	    {.level = 5, .acked = 4, .handled = 2, .ranges = {.items = ranges, .count = 2}},
	};
	struct msg_ACK ack = {.channels = {.items = channels, .count = 2}};
	struct buf a = {0};
	bus_encode(&a, bus_message(MSG_ACK), &ack);
	struct msg_ACK back;
	assert_true(bus_decode(bus_message(MSG_ACK), buf_str(&a), &back));
	struct bus_list it = back.channels;
	struct rec_channel_state c;
	assert_true(bus_list_next(&it, &bus_record_channel_state, &c));
	assert_int_equal(c.acked, 3);
	assert_true(bus_list_next(&it, &bus_record_channel_state, &c));
	assert_int_equal(c.handled, 2);
	struct rec_seq_range range;
	assert_true(bus_list_next(&c.ranges, &bus_record_seq_range, &range));
	assert_true(bus_list_next(&c.ranges, &bus_record_seq_range, &range));
	assert_int_equal(range.first, 9);
	assert_false(bus_list_next(&c.ranges, &bus_record_seq_range, &range));
	assert_false(bus_list_next(&it, &bus_record_channel_state, &c));
	it = ack.channels;
	assert_true(bus_list_next(&it, &bus_record_channel_state, &c));
	assert_int_equal(c.level, 1);
	buf_deinit(&a);
}

static void
test_inv_28_dump_hides_payloads_and_secrets(void **state)
{
	(void)state;
	struct msg_PASSWORD_SET set = {
	    .req = 7, .jid = S("juliet@example.org"), .password = S("secret")};
	struct buf out = {0};
	bus_dump(&out, bus_message(MSG_PASSWORD_SET), &set);
	assert_true(str_eq(buf_str(&out),
	    S("PASSWORD_SET req=7 jid=\"juliet@example.org\" password=(6 bytes) edge_incarnation=0")));
	buf_clear(&out);
	struct msg_STANZA stanza = {.conn = 1, .n = 2, .st = {.payload = S("<body>hi</body>")}};
	bus_dump(&out, bus_message(MSG_STANZA), &stanza);
	assert_null(memmem(out.data, out.end, "hi<", 3));
	buf_clear(&out);
	struct msg_BIND bind = {.jid = S("a\nb")};
	memset(&bind.ticket, 0x5a, sizeof(bind.ticket));
	bus_dump(&out, bus_message(MSG_BIND), &bind);
	assert_null(memmem(out.data, out.end, "5a", 2));
	assert_null(memmem(out.data, out.end, "\n", 1));
	buf_deinit(&out);
}

/* ---- what messages.def must satisfy ---- */

static void
check_declaration(const struct bus_message *m)
{
	const char *name = m->body.name;
	if (bus_message(m->type) != m)
		fail_msg("%s: number %u is used twice", name, m->type);
	assert_true(m->level <= BUS_LEVEL_MAX);
	for (uint32_t i = 0; i < m->body.n_fields; i++) {
		enum field_kind kind = m->body.fields[i].kind;
		if ((kind == FIELD_req || kind == FIELD_re) && i != 0)
			fail_msg("%s: req and re come first", name);
		if (kind == FIELD_re &&
		    (m->level != BUS_LEVEL_MAX && m->type != MSG_BOUND_TO && m->type != MSG_RESUMED))
			fail_msg("%s: a reply has the highest level", name);
	}
	size_t n = strlen(m->doc);
	if (n == 0 || m->doc[n - 1] != '.')
		fail_msg("%s: the description is a sentence", name);
}

static void
test_declarations(void **state)
{
	(void)state;
	each_message(check_declaration);
	assert_null(bus_message(0));
	assert_null(bus_message(MSG_TYPE_MAX));
	assert_null(bus_message(1000000));
	assert_true(bus_schema_hash() != 0);
}

static void
test_role_names(void **state)
{
	(void)state;
	for (unsigned r = 0; r < ROLE_COUNT; r++) {
		enum role back;
		assert_true(role_parse(str_z(role_name(r)), &back));
		assert_int_equal(back, r);
	}
	enum role back;
	assert_false(role_parse(S("nobody"), &back));
	assert_string_equal(sasl_condition_name(SASL_NOT_AUTHORIZED), "not-authorized");
	assert_string_equal(stream_error_name(STREAM_CONFLICT), "conflict");
	for (unsigned e = 0; e < STREAM_ERROR_COUNT; e++)
		assert_non_null(stream_error_name(e));
}

/* ---- golden bytes ---- */

static const struct {
	const char *name, *hex;
} golden[] = {
#include "golden_messages.inc"
};

static void
message_hex(const struct bus_message *m, struct buf *hex)
{
	struct filler f;
	struct buf a = {0};
	bus_encode(&a, m, fill_message(&f, &m->body));
	enc_hex(hex, buf_str(&a));
	buf_deinit(&a);
	buf_deinit(&f.pool);
}

static void
check_golden(const struct bus_message *m)
{
	struct buf hex = {0};
	message_hex(m, &hex);
	size_t i = 0;
	while (i < COUNT(golden) && strcmp(golden[i].name, m->body.name) != 0)
		i++;
	if (i == COUNT(golden) || !str_is(buf_str(&hex), golden[i].hex))
		fail_msg("%s is encoded differently: %.*s", m->body.name, STR_ARG(buf_str(&hex)));
	buf_deinit(&hex);
}

static void
test_golden(void **state)
{
	(void)state;
	each_message(check_golden);
}

static void
print_golden(const struct bus_message *m)
{
	struct buf hex = {0};
	message_hex(m, &hex);
	printf("    {\"%s\", \"%.*s\"},\n", m->body.name, STR_ARG(buf_str(&hex)));
	buf_deinit(&hex);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--golden") == 0) {
		puts("/* Made by test_messages --golden. table */");
		each_message(print_golden);
		return 0;
	}
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_inv_29_truncated_or_longer_is_refused),
	    cmocka_unit_test(test_over_maximum_is_refused),
	    cmocka_unit_test(test_bad_values_are_refused),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_inv_28_dump_hides_payloads_and_secrets),
	    cmocka_unit_test(test_declarations),
	    cmocka_unit_test(test_role_names),
	    cmocka_unit_test(test_golden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
