/* The stream reader against any bytes. The first byte chooses how they are cut and whether the reader idles in
 * between: the events must be the same as when they come at once. (Not when an error is found: libxml2 may wait
 * for more of a broken token.) What was taken is a fixed point, and can be read as a tree. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "xml/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xml_limits limits = {
    .bytes = 20000, .elements = 200, .depth = 16, .attributes = 32, .dict_bytes = 65536};

struct run {
	struct buf log, payload;
	bool has_error;
};

static void
note(struct run *run, const struct xml_element *e)
{
	buf_printf(&run->log, "%.*s %.*s %x %d %zu:", STR_ARG(e->ns), STR_ARG(e->name), e->facts,
	    e->priority, e->n_attrs);
	for (size_t i = 0; i < e->n_attrs; i++)
		buf_add_str(&run->log, e->attrs[i].value);
	buf_add_str(&run->log, e->payload);
	buf_add_c(&run->log, '\n');
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	note(ctx, root);
	return true;
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	struct run *run = ctx;
	note(run, e);
	if (str_is(e->ns, "jabber:client")) {
		buf_clear(&run->payload);
		buf_add_str(&run->payload, e->payload);
	}
	return true;
}

static bool
on_close(void *ctx)
{
	struct run *run = ctx;
	buf_add_z(&run->log, "close");
	return true;
}

static void
read_all(struct run *run, struct str bytes, size_t piece, bool idle)
{
	static const struct xml_events events = {
	    .open = on_open, .element = on_element, .close = on_close};
	struct xml_reader *r = xml_reader_new(&events, run, S("jabber:client"), &limits);
	enum xml_error e = XML_OK;
	*run = (struct run){.has_error = false};
	for (size_t at = 0, n; at < bytes.n && e == XML_OK; at += n) {
		n = bytes.n - at < piece ? bytes.n - at : piece;
		e = xml_reader_feed(r, str_of(bytes.p + at, n), NULL);
		if (idle)
			xml_reader_idle(r);
	}
	run->has_error = e != XML_OK;
	assert(e != XML_STOPPED);
	assert(buf_len(&run->payload) <= 2 * limits.bytes + 1);
	xml_reader_free(&r);
}

static void
run_deinit(struct run *run)
{
	buf_deinit(&run->log);
	buf_deinit(&run->payload);
}

static void
check_fixed_point(struct str payload)
{
	struct run again;
	struct buf b = {0};
	struct arena a = {0};
	buf_add_z(&b, "<s xmlns='jabber:client'><m>");
	buf_add_str(&b, payload);
	buf_add_z(&b, "</m>");
	if (payload.n + 7 <= limits.bytes) {
		read_all(&again, buf_str(&b), SIZE_MAX, false);
		assert(!again.has_error && str_eq(buf_str(&again.payload), payload));
		run_deinit(&again);
	}
	struct xml_node *n = xml_tree_parse(&a, payload, S("jabber:client"));
	if (n)
		assert(xml_node_raw(&a, n).n >= n->slice.n);
	buf_deinit(&b);
	arena_deinit(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, cut;
	if (size == 0)
		return 0;
	struct str bytes = str_of(data + 1, size - 1);
	read_all(&whole, bytes, SIZE_MAX, false);
	read_all(&cut, bytes, 1 + (data[0] & 0x7F), data[0] & 0x80);
	assert(str_eq(buf_str(&whole.log), buf_str(&cut.log)));
	check_fixed_point(buf_str(&whole.payload));
	run_deinit(&whole);
	run_deinit(&cut);
	return 0;
}
