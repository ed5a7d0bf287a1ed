/* The stream reader against any bytes. The first bytes choose how they are cut (each piece by the next of CUTS bytes, over
 * and over) and whether the reader idles in between: the events must be the same as when they come at once. (Not when an
 * error is found: libxml2 may wait for more of a broken token.)
 *
 * What was taken is a fixed point, can be read as a tree, and is the same tree to Expat, as it came and as we wrote it
 * (INV-4); and its bodies are the same without the parser. Expat is loaded at run time, as the unit tests do. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "expat_view.h"
#include "xml/bodies.h"
#include "xml/tree.h"

#define CUTS 4

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xml_limits limits = {
    .bytes = 20000, .elements = 200, .depth = 16, .attributes = 32, .dict_bytes = 65536};

struct run {
	struct buf log, payload;
	unsigned elements;
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
	run->elements++;
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

enum rest {
	REST_NEVER,
	REST_ALONE,
	REST_SHARED, /* in a pool */
};

/* cuts NULL: all at once */
static void
read_all(struct run *run, struct str bytes, const uint8_t *cuts, enum rest rest)
{
	static const struct xml_events events = {
	    .open = on_open, .element = on_element, .close = on_close};
	struct xml_reader *r = xml_reader_new(&events, run, S("jabber:client"), &limits);
	struct xml_pool *pool = xml_pool_new();
	enum xml_error e = XML_OK;
	*run = (struct run){.has_error = false};
	if (rest == REST_SHARED)
		xml_reader_share(r, pool);
	size_t turn = 0;
	for (size_t at = 0, n; at < bytes.n && e == XML_OK; at += n) {
		size_t piece = cuts ? 1 + (cuts[turn++ % CUTS] & 0x7F) : bytes.n;
		n = bytes.n - at < piece ? bytes.n - at : piece;
		e = xml_reader_feed(r, str_of(bytes.p + at, n), NULL);
		if (rest != REST_NEVER)
			xml_reader_idle(r);
	}
	run->has_error = e != XML_OK;
	assert(e != XML_STOPPED);
	assert(buf_len(&run->payload) <= 2 * limits.bytes + 1);
	xml_reader_free(&r);
	xml_pool_free(&pool);
}

static void
run_deinit(struct run *run)
{
	buf_deinit(&run->log);
	buf_deinit(&run->payload);
}

/* The bodies without the parser are those with it. */
static void
check_bodies(struct str payload, const struct xml_node *n)
{
	struct buf ours = {0}, tree = {0};

	xml_bodies(&ours, payload);
	assert(buf_len(&ours) <= payload.n);
	for (const struct xml_node *b = n; b; b = b->next)
		if (str_is(b->name, "body") && str_is(b->ns, "jabber:client") &&
		    !str_ends(b->slice, S("/>"))) {
			buf_add_str(&tree, b->text);
			buf_add_c(&tree, ' ');
		}
	assert(!n || str_eq(buf_str(&ours), buf_str(&tree)));
	buf_deinit(&ours);
	buf_deinit(&tree);
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
		read_all(&again, buf_str(&b), NULL, REST_NEVER);
		assert(!again.has_error && str_eq(buf_str(&again.payload), payload));
		run_deinit(&again);
	}
	struct xml_node *n = xml_tree_parse(&a, payload, S("jabber:client"));
	if (n)
		assert(xml_node_raw(&a, n).n >= n->slice.n);
	check_bodies(payload, n);
	buf_deinit(&b);
	arena_deinit(&a);
}

/* ---- Expat ---- */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return expat_view_load() ? 0 : -1;
}

/* A document whose one child of the root has this content. */
static bool
view_of(struct expat_view *v, struct str content)
{
	struct buf b = {0};
	buf_add_z(&b, "<s:stream xmlns='jabber:client' xmlns:s='urn:s' xmlns:f='urn:f'><message>");
	buf_add_str(&b, content);
	buf_add_z(&b, "</message></s:stream>");
	bool ok = expat_view(v, buf_str(&b));
	buf_deinit(&b);
	return ok;
}

/* The bytes as the content of one message: what we take of it, Expat takes, and sees in it what we wrote. */
static void
check_expat(struct str content)
{
	struct run ours;
	struct expat_view source, written;
	struct buf b = {0};
	buf_add_z(&b, "<s:stream xmlns='jabber:client' xmlns:s='urn:s' xmlns:f='urn:f'><message>");
	buf_add_str(&b, content);
	buf_add_z(&b, "</message></s:stream>");
	read_all(&ours, buf_str(&b), NULL, REST_NEVER);
	if (!ours.has_error && ours.elements == 1 && str_ends(buf_str(&ours.log), S("\nclose"))) {
		if (!view_of(&source, content))
			bug("only we take it");
		if (!view_of(&written, buf_str(&ours.payload)))
			bug("Expat refuses what we wrote: %.*s", STR_ARG(buf_str(&ours.payload)));
		if (!str_eq(buf_str(&source.text), buf_str(&written.text)))
			bug("to Expat it is\n%.*s\nand becomes\n%.*s",
			    STR_ARG(buf_str(&source.text)), STR_ARG(buf_str(&written.text)));
		buf_deinit(&source.text);
		buf_deinit(&written.text);
	}
	buf_deinit(&b);
	run_deinit(&ours);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, cut;
	if (size < CUTS)
		return 0;
	struct str bytes = str_of(data + CUTS, size - CUTS);
	read_all(&whole, bytes, NULL, REST_NEVER);
	read_all(&cut, bytes, data, (enum rest)((data[0] >> 7) + (data[1] >> 7)));
	assert(str_eq(buf_str(&whole.log), buf_str(&cut.log)));
	check_fixed_point(buf_str(&whole.payload));
	check_expat(bytes);
	run_deinit(&whole);
	run_deinit(&cut);
	return 0;
}
