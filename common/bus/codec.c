/* Encoding, decoding and printing of any message by its table. Little-endian; str, jid, bytes, xml and sealed are a
 * u32 length and the bytes; a record is its fields; a list is a u32 count and its records. Decoding is total: every
 * length and count is checked against what is left and against the field's maximum before it is used. Nothing is
 * allocated: strings and lists of a decoded message point into the body. */
#include <endian.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/messages.h"

#define DUMP_ITEMS_MAX 8
#define DUMP_TEXT_MAX 256

/* ---- encode ---- */

static void encode_record(struct buf *out, const struct bus_record *r, const void *record);

static void
check_maximum(const struct bus_record *r, const struct bus_field *f, uint64_t v)
{
	if (f->max && v > f->max)
		bug("bus: %s.%s is %" PRIu64 ", maximum %" PRIu32, r->name, f->name, v, f->max);
}

static void
encode_bytes(struct buf *out, struct str s)
{
	buf_add_u32(out, (uint32_t)s.n);
	if (s.n > 0)
		buf_add(out, s.p, s.n);
}

static void
encode_list(struct buf *out, const struct bus_field *f, const struct bus_list *l)
{
	buf_add_u32(out, l->count);
	if (!l->items) {
		buf_add_str(out, l->bytes);
		return;
	}
	const uint8_t *item = l->items;
	for (uint32_t i = 0; i < l->count; i++, item += f->record->size)
		encode_record(out, f->record, item);
}

static void
encode_field(struct buf *out, const struct bus_record *r, const struct bus_field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_u8:
		check_maximum(r, f, *(const uint8_t *)p);
		buf_add_u8(out, *(const uint8_t *)p);
		return;
	case FIELD_bool:
		buf_add_u8(out, *(const bool *)p);
		return;
	case FIELD_u16:
		buf_add_u16(out, *(const uint16_t *)p);
		return;
	case FIELD_u32:
		buf_add_u32(out, *(const uint32_t *)p);
		return;
	case FIELD_u64:
	case FIELD_i64:
	case FIELD_req:
	case FIELD_re:
		buf_add_u64(out, *(const uint64_t *)p);
		return;
	case FIELD_id:
	case FIELD_token:
		buf_add(out, p, ID_BYTES);
		return;
	case FIELD_str:
	case FIELD_jid:
	case FIELD_bytes:
	case FIELD_xml:
	case FIELD_sealed:
		check_maximum(r, f, ((const struct str *)p)->n);
		encode_bytes(out, *(const struct str *)p);
		return;
	case FIELD_record:
		encode_record(out, f->record, p);
		return;
	case FIELD_list:
		check_maximum(r, f, ((const struct bus_list *)p)->count);
		encode_list(out, f, p);
		return;
	}
	bug("bus: %s.%s has kind %d", r->name, f->name, f->kind);
}

static void
encode_record(struct buf *out, const struct bus_record *r, const void *record)
{
	for (uint32_t i = 0; i < r->n_fields; i++)
		encode_field(out, r, &r->fields[i], (const uint8_t *)record + r->fields[i].offset);
}

void
bus_encode(struct buf *out, const struct bus_message *m, const void *value)
{
	encode_record(out, &m->body, value);
}

/* ---- decode ---- */

static bool decode_record(struct str *in, const struct bus_record *r, void *record_r);

static bool
take(struct str *in, void *p_r, size_t n)
{
	if (in->n < n)
		return false;
	memcpy(p_r, in->p, n);
	in->p += n;
	in->n -= n;
	return true;
}

static bool
take_int(struct str *in, uint64_t *v_r, unsigned n)
{
	uint64_t le = 0;
	if (!take(in, &le, n))
		return false;
	*v_r = le64toh(le);
	return true;
}

static bool
take_bytes(struct str *in, const struct bus_field *f, struct str *s_r)
{
	uint64_t n;
	if (!take_int(in, &n, 4) || n > in->n || n > f->max)
		return false;
	*s_r = str_of(in->p, n);
	in->p += n;
	in->n -= n;
	return true;
}

static bool
take_text(struct str *in, const struct bus_field *f, struct str *s_r)
{
	return take_bytes(in, f, s_r) && str_is_utf8(*s_r) &&
	    (s_r->n == 0 || !memchr(s_r->p, 0, s_r->n));
}

/* Walks the records once; scratch holds the largest record of messages.def. */
static bool
take_list(struct str *in, const struct bus_field *f, struct bus_list *l_r)
{
	_Alignas(16) uint8_t scratch[sizeof(struct rec_session)];
	uint64_t count;
	if (!take_int(in, &count, 4) || count > f->max)
		return false;
	if (f->record->size > sizeof(scratch))
		bug("bus: record %s is larger than expected", f->record->name);
	const char *start = in->p;
	for (uint64_t i = 0; i < count; i++)
		if (!decode_record(in, f->record, scratch))
			return false;
	*l_r = (struct bus_list){
	    .bytes = str_of(start, (size_t)(in->p - start)), .count = (uint32_t)count};
	return true;
}

static bool
decode_int(struct str *in, unsigned width, uint32_t max, void *p)
{
	uint64_t v;
	if (!take_int(in, &v, width) || (max && v > max))
		return false;
	if (width == 1)
		*(uint8_t *)p = (uint8_t)v;
	else if (width == 2)
		*(uint16_t *)p = (uint16_t)v;
	else if (width == 4)
		*(uint32_t *)p = (uint32_t)v;
	else
		*(uint64_t *)p = v;
	return true;
}

static bool
decode_field(struct str *in, const struct bus_field *f, void *p)
{
	switch (f->kind) {
	case FIELD_u8:
		return decode_int(in, 1, f->max, p);
	case FIELD_bool:
		return decode_int(in, 1, 1, p);
	case FIELD_u16:
		return decode_int(in, 2, 0, p);
	case FIELD_u32:
		return decode_int(in, 4, 0, p);
	case FIELD_u64:
	case FIELD_i64:
	case FIELD_req:
	case FIELD_re:
		return decode_int(in, 8, 0, p);
	case FIELD_id:
	case FIELD_token:
		return take(in, p, ID_BYTES);
	case FIELD_str:
	case FIELD_jid:
		return take_text(in, f, p);
	case FIELD_bytes:
	case FIELD_xml:
	case FIELD_sealed:
		return take_bytes(in, f, p);
	case FIELD_record:
		return decode_record(in, f->record, p);
	case FIELD_list:
		return take_list(in, f, p);
	}
	return false;
}

static bool
decode_record(struct str *in, const struct bus_record *r, void *record_r)
{
	for (uint32_t i = 0; i < r->n_fields; i++)
		if (!decode_field(in, &r->fields[i], (uint8_t *)record_r + r->fields[i].offset))
			return false;
	return true;
}

bool
bus_decode(const struct bus_message *m, struct str body, void *value_r)
{
	return decode_record(&body, &m->body, value_r) && body.n == 0;
}

bool
bus_list_next(struct bus_list *it, const struct bus_record *r, void *record_r)
{
	if (it->count == 0)
		return false;
	it->count--;
	if (it->items) {
		memcpy(record_r, it->items, r->size);
		it->items = (const uint8_t *)it->items + r->size;
		return true;
	}
	if (!decode_record(&it->bytes, r, record_r))
		bug("bus: walked a list of %s that was never decoded", r->name);
	return true;
}

/* ---- size ---- */

static size_t
size_of_list(const struct bus_field *f, const struct bus_list *l)
{
	if (!l->items)
		return 4 + l->bytes.n;
	size_t sum = 4;
	for (uint32_t i = 0; i < l->count; i++)
		sum += bus_record_size(f->record, (const uint8_t *)l->items + i * f->record->size);
	return sum;
}

static size_t
size_of_field(const struct bus_field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_u8:
	case FIELD_bool:
		return 1;
	case FIELD_u16:
		return 2;
	case FIELD_u32:
		return 4;
	case FIELD_u64:
	case FIELD_i64:
	case FIELD_req:
	case FIELD_re:
		return 8;
	case FIELD_id:
	case FIELD_token:
		return ID_BYTES;
	case FIELD_str:
	case FIELD_jid:
	case FIELD_bytes:
	case FIELD_xml:
	case FIELD_sealed:
		return 4 + ((const struct str *)p)->n;
	case FIELD_record:
		return bus_record_size(f->record, p);
	case FIELD_list:
		return size_of_list(f, p);
	}
	return 0;
}

size_t
bus_record_size(const struct bus_record *r, const void *record)
{
	size_t sum = 0;
	for (uint32_t i = 0; i < r->n_fields; i++)
		sum += size_of_field(&r->fields[i], (const uint8_t *)record + r->fields[i].offset);
	return sum;
}

size_t
bus_size(const struct bus_message *m, const void *value)
{
	return bus_record_size(&m->body, value);
}

/* ---- dump ---- */

static void dump_record(struct buf *out, const struct bus_record *r, const void *record);

static void
dump_text(struct buf *out, struct str s)
{
	char text[DUMP_TEXT_MAX];
	log_escape(text, sizeof(text), s);
	buf_printf(out, "\"%s\"", text);
}

static void
dump_id(struct buf *out, const struct id128 *id)
{
	char hex[2 * ID_BYTES + 1];
	id_hex(id, hex);
	buf_printf(out, "%.8s", hex);
}

static void
dump_list(struct buf *out, const struct bus_field *f, struct bus_list list)
{
	_Alignas(16) uint8_t record[sizeof(struct rec_session)];
	buf_add_c(out, '[');
	for (unsigned i = 0; i < DUMP_ITEMS_MAX && bus_list_next(&list, f->record, record); i++) {
		buf_add_z(out, i ? " {" : "{");
		dump_record(out, f->record, record);
		buf_add_c(out, '}');
	}
	if (list.count > 0)
		buf_printf(out, " and %" PRIu32 " more", list.count);
	buf_add_c(out, ']');
}

static void
dump_field(struct buf *out, const struct bus_field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_u8:
	case FIELD_bool:
		buf_printf(out, "%u", *(const uint8_t *)p);
		return;
	case FIELD_u16:
		buf_printf(out, "%u", *(const uint16_t *)p);
		return;
	case FIELD_u32:
		buf_printf(out, "%" PRIu32, *(const uint32_t *)p);
		return;
	case FIELD_u64:
	case FIELD_req:
	case FIELD_re:
		buf_printf(out, "%" PRIu64, *(const uint64_t *)p);
		return;
	case FIELD_i64:
		buf_printf(out, "%" PRId64, *(const int64_t *)p);
		return;
	case FIELD_id:
		dump_id(out, p);
		return;
	case FIELD_str:
	case FIELD_jid:
		dump_text(out, *(const struct str *)p);
		return;
	case FIELD_token:
		buf_printf(out, "(%d bytes)", ID_BYTES);
		return;
	case FIELD_bytes:
	case FIELD_xml:
	case FIELD_sealed:
		buf_printf(out, "(%zu bytes)", ((const struct str *)p)->n);
		return;
	case FIELD_record:
		buf_add_c(out, '{');
		dump_record(out, f->record, p);
		buf_add_c(out, '}');
		return;
	case FIELD_list:
		dump_list(out, f, *(const struct bus_list *)p);
		return;
	}
}

static void
dump_record(struct buf *out, const struct bus_record *r, const void *record)
{
	for (uint32_t i = 0; i < r->n_fields; i++) {
		buf_printf(out, "%s%s=", i ? " " : "", r->fields[i].name);
		dump_field(out, &r->fields[i], (const uint8_t *)record + r->fields[i].offset);
	}
}

void
bus_dump(struct buf *out, const struct bus_message *m, const void *value)
{
	buf_add_z(out, m->body.name);
	buf_add_c(out, ' ');
	dump_record(out, &m->body, value);
}
