/* Feeding the parser. Bytes go in by slices, so that no budget is passed by more than a byte and a long start
 * tag can be looked at while it grows. White space between elements never reaches the parser (a keepalive
 * wakes nothing up), nor does anything before the first bytes are judged (head.c). All counters that
 * must not depend on how the bytes were cut are kept as positions in what was fed. */
#include "xml/reader.h"

#include <stdlib.h>

#include "base/mem.h"
#include "xml/internal.h"

/* The parser decodes at most 64 KiB of one piece, and takes its time with pieces of one token. */
#define SLICE 16384u
#define HEAD_SLICE 256u

struct xml_reader *
xml_reader_new(const struct xml_events *events, void *ctx, struct str implied_ns,
    const struct xml_limits *limits)
{
	struct xml_reader *r = NEW(struct xml_reader);
	r->events = events;
	r->ctx = ctx;
	r->limits = *limits;
	r->implied = str_of(str_dup(implied_ns), implied_ns.n);
	r->implied_everywhere = str_is(implied_ns, "jabber:component:accept");
	return r;
}

static void
reader_free_stream(struct xml_reader *r)
{
	tools_free(&r->tools);
	buf_deinit(&r->long_tag);
	buf_deinit(&r->head);
	free((char *)r->primer.p);
	r->primer = (struct str){0};
}

void
xml_reader_free(struct xml_reader **rp)
{
	struct xml_reader *r = *rp;
	*rp = NULL;
	if (!r)
		return;
	if (r->is_busy) {
		/* From a callback: xml_reader_feed frees it on its way out. */
		r->is_doomed = true;
		reader_fail(r, XML_STOPPED);
		return;
	}
	reader_free_stream(r);
	free((char *)r->implied.p);
	free(r);
}

void
xml_reader_set_limits(struct xml_reader *r, const struct xml_limits *limits)
{
	r->limits = *limits;
	if (r->tools.parser)
		xml_parser_limit_names(r->tools.parser, limits->dict_bytes);
}

void
xml_reader_reset(struct xml_reader *r)
{
	if (r->is_busy)
		bug("xml reader: reset from a callback");
	reader_free_stream(r);
	*r = (struct xml_reader){.events = r->events,
	    .ctx = r->ctx,
	    .limits = r->limits,
	    .implied = r->implied,
	    .implied_everywhere = r->implied_everywhere,
	    .tree = r->tree,
	    .pool = r->pool,
	    .names_used = r->names_used};
}

/* Is nothing half read in the parser? */
static bool
is_between(const struct xml_reader *r)
{
	if (!r->has_begun)
		return buf_len(&r->head) == 0;
	return r->depth == 1 && (!r->tools.parser || xml_parser_position(r->tools.parser) == r->fed);
}

void
xml_reader_share(struct xml_reader *r, struct xml_pool *pool)
{
	r->pool = pool;
}

void
xml_reader_idle(struct xml_reader *r)
{
	if (r->is_busy || r->error || !is_between(r))
		return;
	if (r->pool && r->tools.parser)
		pool_give(r->pool, r->primer, &r->tools);
	else
		tools_free(&r->tools);
}

bool
xml_reader_is_between(const struct xml_reader *r)
{
	return is_between(r);
}

bool
xml_reader_is_at_rest(const struct xml_reader *r)
{
	return !r->tools.parser;
}

size_t
xml_reader_dict_used(const struct xml_reader *r)
{
	return r->names_used;
}

void
reader_fail(struct xml_reader *r, enum xml_error error)
{
	if (r->error)
		return;
	r->error = error;
	if (r->tools.parser) {
		r->stop_left = r->fed - xml_parser_position(r->tools.parser);
		xml_parser_stop(r->tools.parser);
	}
}

/* Tools that another reader has left, which stand where this one's would stand. */
static bool
reader_borrow(struct xml_reader *r)
{
	if (!r->pool || str_empty(r->primer) || !pool_take(r->pool, r->primer, &r->tools))
		return false;
	xml_parser_adopt(r->tools.parser, r);
	xml_parser_limit_names(r->tools.parser, r->limits.dict_bytes);
	r->names_before = xml_parser_names(r->tools.parser);
	r->fed = xml_parser_position(r->tools.parser);
	r->element_start = r->fed;
	return true;
}

static void
reader_wake(struct xml_reader *r)
{
	if (reader_borrow(r))
		return;
	r->names_before = 0;
	r->tools.parser = xml_parser_new(r, r->limits.dict_bytes);
	r->fed = r->primer.n;
	r->element_start = r->fed;
	if (str_empty(r->primer))
		return;
	r->is_priming = true;
	r->depth = 0;
	xml_parser_feed(r->tools.parser, r->primer);
	r->is_priming = false;
	if (r->depth != 1 || !is_between(r))
		bug("xml reader: the stream's own header does not parse again");
}

void
reader_feed_parser(struct xml_reader *r, struct str bytes)
{
	if (!r->tools.parser)
		reader_wake(r);
	while (bytes.n > 0 && !r->error) {
		struct str slice = str_of(bytes.p, bytes.n < SLICE ? bytes.n : SLICE);
		r->fed += slice.n;
		xml_parser_feed(r->tools.parser, slice);
		bytes = str_from(bytes, slice.n);
	}
	if (r->error)
		return;
	if (!xml_parser_is_sound(r->tools.parser))
		reader_fail(r, XML_NOT_WELL_FORMED);
	else if (r->fed - r->element_start > r->limits.bytes)
		reader_fail(r, XML_TOO_BIG);
	else
		pending_watch(r);
}

static size_t
feed_head(struct xml_reader *r, struct str rest)
{
	size_t n = rest.n < HEAD_SLICE ? rest.n : HEAD_SLICE;
	enum xml_error error;
	buf_add(&r->head, rest.p, n);
	enum head_verdict v = head_judge(buf_str(&r->head), &error);
	if (v == HEAD_BAD)
		reader_fail(r, error);
	if (v == HEAD_OK) {
		r->has_begun = true;
		reader_feed_parser(r, buf_str(&r->head));
		buf_deinit(&r->head);
	}
	return n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t
leading_blanks(struct str s)
{
	size_t n = 0;
	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n;
}

/* At most what the budget of the element allows and one byte. White space at the end is left for the next
 * turn, which may find that it is free. */
static struct str
next_slice(const struct xml_reader *r, struct str rest)
{
	size_t spent = r->tools.parser ? r->fed + buf_len(&r->long_tag) - r->element_start : 0;
	size_t left = r->limits.bytes > spent ? r->limits.bytes - spent + 1 : 1;
	size_t n = rest.n < SLICE ? rest.n : SLICE;
	struct str slice = str_of(rest.p, n < left ? n : left);
	size_t end = slice.n;
	while (end > 0 && is_blank(slice.p[end - 1]))
		end--;
	return end > 0 ? str_of(slice.p, end) : slice;
}

/* Takes some of the bytes and returns how many. */
static size_t
feed_some(struct xml_reader *r, struct str rest)
{
	if (is_between(r)) {
		size_t blanks = leading_blanks(rest);
		if (blanks > 0)
			return blanks;
		/* Found at once, not when libxml2 has waited for more of the text. */
		if (r->has_begun && rest.p[0] != '<' && rest.p[0] != '&') {
			reader_fail(r, XML_NOT_WELL_FORMED);
			return 0;
		}
	}
	if (!r->has_begun)
		return feed_head(r, rest);
	struct str slice = next_slice(r, rest);
	if (r->in_long_tag)
		return pending_feed(r, slice);
	reader_feed_parser(r, slice);
	return slice.n;
}

enum xml_error
xml_reader_feed(struct xml_reader *r, struct str bytes, size_t *used_r)
{
	size_t used = 0;
	bool had_error = r->error != XML_OK;
	r->is_busy = true;
	while (used < bytes.n && !r->error)
		used += feed_some(r, str_from(bytes, used));
	r->is_busy = false;
	enum xml_error error = r->error;
	if (error && !had_error)
		used -= r->stop_left < used ? r->stop_left : used;
	if (used_r)
		*used_r = used;
	if (r->is_doomed)
		xml_reader_free(&r);
	return error;
}

struct str
xml_element_attr(const struct xml_element *e, struct str ns, const char *name, bool *found_r)
{
	for (size_t i = 0; i < e->n_attrs; i++) {
		if (str_is(e->attrs[i].name, name) && str_eq(e->attrs[i].ns, ns)) {
			if (found_r)
				*found_r = true;
			return e->attrs[i].value;
		}
	}
	if (found_r)
		*found_r = false;
	return (struct str){0};
}
