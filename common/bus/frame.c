/* The header codec and the cutting of a byte stream into frames. A frame that came in one piece is handed over where
 * it lies; only one that was cut by the end of a read is copied. */
#include "bus/frame.h"

#include <endian.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"

/* The fields as they lie on the wire, without padding. */
enum header_at {
	AT_LENGTH = 0,
	AT_TYPE = 4,
	AT_LEVEL = 6,
	AT_FLAGS = 7,
	AT_SRC = 8,
	AT_DST = 10,
	AT_SRC_INC = 12,
	AT_DST_INC = 20,
	AT_SEQ = 28,
	AT_FLOOR = 36,
	AT_ORIGIN = 44,
	AT_N = 60,
	AT_KIND = 68,
};
_Static_assert(AT_KIND + 2 == BUS_HEADER_BYTES, "the header has one size");

static void
put16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static void
put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void
put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static uint16_t
get16(const char *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static uint32_t
get32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t
get64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

void
frame_add_header(struct buf *out, struct frame *f, size_t body_size)
{
	if (body_size > BUS_FRAME_MAX - BUS_HEADER_BYTES)
		bug("bus: a body of %zu bytes does not fit into a frame", body_size);
	f->length = (uint32_t)(BUS_HEADER_BYTES + body_size);
	uint8_t *p = buf_reserve(out, f->length);
	put32(p + AT_LENGTH, f->length);
	put16(p + AT_TYPE, f->type);
	p[AT_LEVEL] = f->level;
	p[AT_FLAGS] = f->flags;
	put16(p + AT_SRC, f->src);
	put16(p + AT_DST, f->dst);
	put64(p + AT_SRC_INC, f->src_inc);
	put64(p + AT_DST_INC, f->dst_inc);
	put64(p + AT_SEQ, f->seq);
	put64(p + AT_FLOOR, f->floor);
	memcpy(p + AT_ORIGIN, f->origin.b, ID_BYTES);
	put64(p + AT_N, f->n);
	put16(p + AT_KIND, f->kind);
	buf_commit(out, BUS_HEADER_BYTES);
}

void
frame_add_message(struct buf *out, struct frame *f, const struct bus_message *m, const void *msg)
{
	f->type = m->type;
	f->level = m->level;
	frame_add_header(out, f, bus_size(m, msg));
	bus_encode(out, m, msg);
}

static void
frame_parse(struct frame *f, struct str bytes)
{
	const char *p = bytes.p;
	*f = (struct frame){
	    .length = get32(p + AT_LENGTH),
	    .type = get16(p + AT_TYPE),
	    .level = (uint8_t)p[AT_LEVEL],
	    .flags = (uint8_t)p[AT_FLAGS],
	    .src = get16(p + AT_SRC),
	    .dst = get16(p + AT_DST),
	    .src_inc = get64(p + AT_SRC_INC),
	    .dst_inc = get64(p + AT_DST_INC),
	    .seq = get64(p + AT_SEQ),
	    .floor = get64(p + AT_FLOOR),
	    .n = get64(p + AT_N),
	    .kind = get16(p + AT_KIND),
	    .body = str_of(p + BUS_HEADER_BYTES, bytes.n - BUS_HEADER_BYTES),
	    .bytes = bytes,
	};
	memcpy(f->origin.b, p + AT_ORIGIN, ID_BYTES);
}

const char *
frame_check(const struct frame *f)
{
	const struct bus_message *m = bus_message(f->type);
	if (!m)
		return "unknown type";
	if (m->level != f->level)
		return "wrong level";
	if ((f->seq == 0) != (f->level == 0))
		return "control frame with a number, or the reverse";
	if (f->floor > f->seq)
		return "floor above its own number";
	if (f->flags & ~FRAME_FLAGS_ALL)
		return "unknown flags";
	if ((f->flags & FRAME_NOP) && (f->body.n > 0 || f->level == 0))
		return "withdrawn frame with a body";
	if (frame_role(f->src) >= ROLE_COUNT || frame_role(f->dst) >= ROLE_COUNT)
		return "no such endpoint";
	return NULL;
}

void
frame_trace(const char *arrow, uint16_t other, const struct frame *f)
{
	const struct bus_message *m = bus_message(f->type);
	struct buf text = {0};
	union bus_any msg;
	buf_printf(&text, "%s %s.%u ", arrow, role_name(frame_role(other)), frame_instance(other));
	if (f->seq)
		buf_printf(&text, "%u/%" PRIu64 " ", f->level, f->seq);
	if (f->flags & FRAME_NOP)
		buf_printf(&text, "withdrawn %s", m->body.name);
	else if (bus_decode(m, f->body, &msg))
		bus_dump(&text, m, &msg);
	else
		buf_printf(&text, "malformed %s", m->body.name);
	log_info("bus: %.*s", STR_ARG(buf_str(&text)));
	buf_deinit(&text);
}

/* ---- cutting ---- */

static bool
length_is_possible(uint32_t length)
{
	return length >= BUS_HEADER_BYTES && length <= BUS_FRAME_MAX;
}

/* Moves up to what is missing for `want` bytes from *in to the incomplete frame. True when it has them. */
static bool
cutter_fill(struct frame_cutter *c, struct str *in, size_t want)
{
	size_t have = buf_len(&c->partial);
	size_t n = have >= want ? 0 : want - have;
	if (n > in->n)
		n = in->n;
	buf_add(&c->partial, in->p, n);
	*in = str_from(*in, n);
	return have + n >= want;
}

/* Completes the frame that the read before had begun. -1: stop; 0: still incomplete; 1: done. */
static int
cutter_complete(
    struct frame_cutter *c, struct str *in, frame_fn *fn, void *ctx, const char **error_r)
{
	if (!cutter_fill(c, in, sizeof(uint32_t)))
		return 0;
	uint32_t length = get32((const char *)c->partial.data + c->partial.start);
	if (!length_is_possible(length)) {
		*error_r = "impossible length";
		return -1;
	}
	if (!cutter_fill(c, in, length))
		return 0;
	struct frame f;
	frame_parse(&f, str_of(c->partial.data + c->partial.start, length));
	bool go_on = fn(ctx, &f);
	buf_clear(&c->partial);
	return go_on ? 1 : -1;
}

bool
frame_cut(struct frame_cutter *c, struct str in, frame_fn *fn, void *ctx, const char **error_r)
{
	*error_r = NULL;
	if (buf_len(&c->partial) > 0) {
		int done = cutter_complete(c, &in, fn, ctx, error_r);
		if (done <= 0)
			return done == 0;
		buf_trim(&c->partial);
	}
	while (in.n >= sizeof(uint32_t)) {
		uint32_t length = get32(in.p);
		if (!length_is_possible(length)) {
			*error_r = "impossible length";
			return false;
		}
		if (length > in.n)
			break;
		struct frame f;
		frame_parse(&f, str_of(in.p, length));
		if (!fn(ctx, &f))
			return false;
		in = str_from(in, length);
	}
	buf_add_str(&c->partial, in);
	return true;
}

void
frame_cutter_deinit(struct frame_cutter *c)
{
	buf_deinit(&c->partial);
}
