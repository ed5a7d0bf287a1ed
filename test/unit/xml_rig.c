#include "xml_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"

const struct xml_limits xml_rig_limits = {
    .bytes = 262144, .elements = 4096, .depth = 64, .attributes = 128, .dict_bytes = 262144};

static void
log_element(struct xml_rig *g, const char *event, const struct xml_element *e)
{
	buf_printf(&g->log, "%s {%.*s}%.*s", event, STR_ARG(e->ns), STR_ARG(e->name));
	for (size_t i = 0; i < e->n_attrs; i++)
		buf_printf(&g->log, " {%.*s}%.*s=%.*s", STR_ARG(e->attrs[i].ns),
		    STR_ARG(e->attrs[i].name), STR_ARG(e->attrs[i].value));
	buf_printf(&g->log, " facts=%x prio=%d n=%zu first={%.*s}%.*s text=%d|", e->facts,
	    e->priority, e->n_children, STR_ARG(e->child_ns), STR_ARG(e->child_name), e->has_text);
	buf_add_str(&g->log, e->payload);
	buf_add_c(&g->log, '\n');
}

static bool
on_open(void *ctx, const struct xml_element *root)
{
	log_element(ctx, "open", root);
	return !str_is(root->name, "stop");
}

static bool
on_element(void *ctx, const struct xml_element *e)
{
	struct xml_rig *g = ctx;
	log_element(g, "element", e);
	g->elements++;
	g->facts = e->facts;
	g->priority = e->priority;
	buf_clear(&g->payload);
	buf_add_str(&g->payload, e->payload);
	return !str_is(e->name, "stop");
}

static bool
on_close(void *ctx)
{
	struct xml_rig *g = ctx;
	buf_add_z(&g->log, "close\n");
	return true;
}

void
xml_rig_init(struct xml_rig *g, const char *implied_ns, const struct xml_limits *limits)
{
	static const struct xml_events events = {
	    .open = on_open, .element = on_element, .close = on_close};
	*g = (struct xml_rig){0};
	g->reader = xml_reader_new(&events, g, str_z(implied_ns), limits ? limits : &xml_rig_limits);
}

void
xml_rig_deinit(struct xml_rig *g)
{
	xml_reader_free(&g->reader);
	buf_deinit(&g->log);
	buf_deinit(&g->payload);
}

enum xml_error
xml_rig_feed(struct xml_rig *g, struct str bytes)
{
	/* An exact copy, so that a sanitizer sees a read behind the end. */
	void *copy = mem_dup(bytes.p, bytes.n);
	bool was_open = g->error == XML_OK;
	g->error = xml_reader_feed(g->reader, str_of(copy, bytes.n), &g->used);
	if (g->error && was_open)
		buf_printf(&g->log, "error %d\n", (int)g->error);
	free(copy);
	return g->error;
}

enum xml_error
xml_rig_drip(struct xml_rig *g, struct str bytes, bool idle)
{
	for (size_t i = 0; i < bytes.n && !g->error; i++) {
		xml_rig_feed(g, str_of(bytes.p + i, 1));
		if (idle)
			xml_reader_idle(g->reader);
	}
	return g->error;
}

enum xml_error
xml_rig_error_of(struct str bytes, const struct xml_limits *limits)
{
	struct xml_rig g;
	xml_rig_init(&g, "jabber:client", limits);
	assert_int_equal(xml_rig_feed(&g, S(XML_RIG_HEADER)), XML_OK);
	enum xml_error error = xml_rig_feed(&g, bytes);
	xml_rig_deinit(&g);
	return error;
}

char *
xml_rig_payload_of(const char *implied_ns, struct str content)
{
	struct xml_rig g;
	struct buf in = {0};
	xml_rig_init(&g, implied_ns, NULL);
	buf_printf(&in, "<s:stream xmlns='%s' xmlns:s='http://etherx.jabber.org/streams'><message>",
	    implied_ns);
	buf_add_str(&in, content);
	buf_add_z(&in, "</message>");
	if (xml_rig_feed(&g, buf_str(&in)) != XML_OK || g.elements != 1)
		fail_msg("refused (%d): %.*s", (int)g.error, STR_ARG(content));
	char *out = str_dup(buf_str(&g.payload));
	buf_deinit(&in);
	xml_rig_deinit(&g);
	return out;
}
