/* What the reader's files share. Not for others. */
#pragma once

#include "xml/parser.h"
#include "xml/pool.h"
#include "xml/reader.h"

struct tree_builder;

struct xml_reader {
	const struct xml_events *events;
	void *ctx;
	struct xml_limits limits;
	struct str implied;        /* owned */
	bool implied_everywhere;   /* a component's stream (F-32) */
	struct tree_builder *tree; /* gets every element too; NULL on a stream */

	struct xml_tools tools;
	struct xml_pool *pool; /* borrowed; NULL: it shares nothing */
	struct buf head;       /* first bytes of the stream, until the XML declaration is judged */
	struct str primer; /* owned: the root's start tag with its declarations, for a new parser */
	bool has_begun;    /* the head is judged */
	bool is_priming, is_busy, is_doomed;
	enum xml_error error;
	size_t stop_left;    /* bytes fed but not looked at when the error came */
	size_t names_used;   /* the most that names have cost so far on this connection */
	size_t names_before; /* what those in the parser cost that this reader has not brought */

	/* Positions count bytes fed to this parser. */
	size_t fed;
	size_t element_start; /* where the element at hand, or what comes next, begins */

	struct buf long_tag; /* of a long start tag, what the parser has not got yet */
	bool in_long_tag;
	char tag_quote; /* the quote that is open in it, or 0 */
	size_t tag_attributes;

	size_t depth;    /* open elements, the root included */
	size_t elements; /* so far in the top-level element */

	struct xml_element top; /* the top-level element at hand */
	bool tag_is_open;       /* the payload ends in a start tag without its '>' */
	bool in_body;           /* the child at hand is the body */
	size_t priority_at; /* where the text of <priority/> begins in the payload; 0: not in one */
};

/* --- reader.c */

/* Ends the stream; the first error counts. */
void reader_fail(struct xml_reader *r, enum xml_error error);
/* Into the parser, in pieces that it takes whole, and a look at every budget. */
void reader_feed_parser(struct xml_reader *r, struct str bytes);

/* --- pending.c: what the parser has not made up its mind about */

/* Called after each feeding. */
void pending_watch(struct xml_reader *r);
/* Takes bytes of a long start tag and returns how many. */
size_t pending_feed(struct xml_reader *r, struct str bytes);

/* --- events.c: called by the parser */

/* Limits that can be judged before a start tag is looked at. */
bool reader_may_start(struct xml_reader *r, size_t attributes);
void reader_on_start(struct xml_reader *r, const struct xml_tag *t);
void reader_on_end(struct xml_reader *r, struct str name);
void reader_on_text(struct xml_reader *r, struct str text);

/* --- canon.c: the payload in canonical form (DESIGN.md §2) */

/* Which are the top-level element's children's surroundings. */
void canon_begin(struct xml_reader *r, const struct xml_tag *top);
/* r->depth is that of the parent. */
void canon_start(struct xml_reader *r, const struct xml_tag *t);
void canon_text(struct xml_reader *r, struct str text);
/* r->depth is that of the parent again. */
void canon_end(struct xml_reader *r, struct str name);
void canon_end_start_tag(struct xml_reader *r);
/* A root's start tag, whose declarations a new parser needs. */
void canon_primer(struct buf *out, const struct xml_tag *root);

/* --- head.c */

enum head_verdict {
	HEAD_MORE, /* cannot tell yet */
	HEAD_OK,
	HEAD_BAD,
};

/* Judges the first bytes of a stream: encoding and version, before the parser sees them. */
enum head_verdict head_judge(struct str head, enum xml_error *error_r);

/* --- tree.c */

/* at: where the element's bytes begin in the payload. inherits: its namespace is declared further up. */
void tree_on_start(struct tree_builder *b, const struct xml_tag *t, size_t at, bool inherits);
void tree_on_text(struct tree_builder *b, struct str text);
void tree_on_end(struct tree_builder *b, size_t at);
