/* Where the elements of an XML stream end, and what stands in them, for the XML that servers send. */
#ifndef BENCH_SCAN_H
#define BENCH_SCAN_H

#include "bytes.h"

enum scan_event {
	SCAN_MORE,   /* the rest has not come yet */
	SCAN_OPENED, /* the stream's start tag */
	SCAN_STANZA, /* a whole element of the stream */
	SCAN_CLOSED, /* the stream's end tag */
	SCAN_BROKEN, /* not XML, or what XMPP forbids */
};

struct scan {
	size_t pos;   /* read so far */
	size_t start; /* where the element under way begins */
	size_t tag;   /* where the tag under way begins */
	unsigned depth;
	char quote; /* inside an attribute's value */
	bool in_tag;
};

/* Reads on in b. For a start tag and a stanza *element_r is its bytes; they stay where they are until b changes. */
enum scan_event scan_next(struct scan *s, const struct bytes *b, struct slice *element_r);

/* How many bytes from the front are done with; the caller drops them from the buffer. */
size_t scan_forget(struct scan *s);

/* Of an element: its name, an attribute of its start tag, the text of the first element in it (or itself) with that name. */
struct slice element_name(struct slice element);
struct slice element_attribute(struct slice element, const char *name);
struct slice element_text(struct slice element, const char *child);

#endif
