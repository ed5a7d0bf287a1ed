/* The one XML front end (C-1, C-2): a stream of bytes in, complete top-level elements in canonical form
 * out. Every budget is enforced while bytes come in, before they are kept. Set up as SECURITY.md §1.3
 * says. The only users of libxml2 are in this folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* What ended the stream; the protocol turns it into a stream error (RFC 6120 §4.9.3). */
enum xml_error {
	XML_OK,
	XML_NOT_WELL_FORMED,      /* not-well-formed, also by the rules of namespaces */
	XML_RESTRICTED,           /* restricted-xml: DTD, comment, PI, foreign entity */
	XML_UNSUPPORTED_ENCODING, /* unsupported-encoding */
	XML_TOO_BIG,     /* policy-violation: bytes of one element (XEP-0478 stanza-too-big) */
	XML_TOO_COMPLEX, /* policy-violation: elements, depth, attributes, names */
	XML_STOPPED,     /* a callback asked to stop; the rest was not read */
};

struct xml_limits {
	size_t bytes; /* of one top-level element as sent, and of the stream header; a payload has at most twice as many */
	size_t elements;   /* in one top-level element */
	size_t depth;      /* below the stream root */
	size_t attributes; /* of one element, namespace declarations included */
	size_t dict_bytes; /* names of the whole connection */
};

struct xml_attr {
	struct str ns; /* empty: none */
	struct str name, value;
};

/* The stream's root, or one complete child of it. Borrowed until the callback returns. */
struct xml_element {
	struct str ns, name;
	const struct xml_attr *attrs;
	size_t n_attrs;
	struct str payload; /* canonical bytes of the children and text; empty for the root */
	size_t n_children;  /* child elements */
	struct str child_ns, child_name; /* of the first child element */
	uint32_t facts;                  /* enum stanza_fact */
	int priority;                    /* of <presence><priority/>, clamped; 0 if none */
	bool has_text;                   /* character data directly below that is not white space */
	struct str default_ns;           /* of the root: what xmlns= declares; empty if nothing */
};

/* Value of an attribute without namespace (or of xml:lang with ns XML_NS); empty when absent. *found_r may be NULL. */
struct str xml_element_attr(
    const struct xml_element *e, struct str ns, const char *name, bool *found_r);

/* Each returns false to stop reading: xml_reader_feed then ends with XML_STOPPED. */
struct xml_events {
	bool (*open)(void *ctx, const struct xml_element *root);
	bool (*element)(void *ctx, const struct xml_element *e);
	bool (*close)(void *ctx); /* </stream:stream> */
};

struct xml_reader;
struct xml_pool;

/* implied_ns: the stream's content namespace ("jabber:client" …), left out of canonical bytes while
 * every ancestor is in it. Heap; the libxml2 context inside is made when the first byte comes. */
struct xml_reader *xml_reader_new(const struct xml_events *events, void *ctx, struct str implied_ns,
    const struct xml_limits *limits);
/* Also from a callback: xml_reader_feed then ends with XML_STOPPED. */
void xml_reader_free(struct xml_reader **r);

/* Other limits from the next byte on (after authentication). */
void xml_reader_set_limits(struct xml_reader *r, const struct xml_limits *limits);

/* Feeds bytes; callbacks run inside. After anything but XML_OK the reader must be freed or reset.
 * *used_r (may be NULL): bytes consumed before a stop; what is behind them was not looked at. */
enum xml_error xml_reader_feed(struct xml_reader *r, struct str bytes, size_t *used_r);

/* A new stream on the same connection (RFC 6120 §4.3.3): everything from zero but the limits and the
 * name budget. */
void xml_reader_reset(struct xml_reader *r);

/* Gives memory back when nothing is half read: the context is freed, or goes to the pool, and one that is primed with the stream's
 * own declarations takes its place when bytes come again. Call it when a read leaves the reader between elements. */
void xml_reader_idle(struct xml_reader *r);

/* What readers at rest leave for each other: few contexts serve many streams, and stay in the processor's cache. A context knows
 * the names that its readers have used, no more; what one reader may still add is its own limit (dict_bytes, then counted from
 * where it woke up). A full pool frees what it is given. */
struct xml_pool *xml_pool_new(void);
void xml_pool_free(struct xml_pool **p);
/* From now on the reader rests in this pool, which must outlive it. Not before it has logged in: a context keeps some of the bytes that it has read. */
void xml_reader_share(struct xml_reader *r, struct xml_pool *pool);

/* Is nothing half read: did the last byte end an element (or the header, or white space behind one)? */
bool xml_reader_is_between(const struct xml_reader *r);

/* Does it hold no context (tests)? */
bool xml_reader_is_at_rest(const struct xml_reader *r);

/* What names have cost at most at one time on this connection (tests, soak). Not the sum over all contexts: an
 * honest client would reach any limit by waking up often enough. */
size_t xml_reader_dict_used(const struct xml_reader *r);

#define XML_NS "http://www.w3.org/XML/1998/namespace"
