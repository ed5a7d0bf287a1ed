/* The one serializer (C-1): canonical XML into a buffer. Text and attributes are escaped, characters that
 * XML does not allow are left out, a namespace is declared where it changes. Element and attribute names
 * are trusted (constants, or names that the reader has accepted). */
#pragma once

#include "base/buf.h"
#include "base/stanza.h"
#include "base/str.h"

#define XML_WRITER_DEPTH 64

/* On the stack; no teardown. */
struct xml_writer {
	struct buf *out;
	struct str ns[XML_WRITER_DEPTH]; /* in force at each depth; ns[0] is what is implied outside */
	struct str name[XML_WRITER_DEPTH];
	unsigned depth;
	bool open; /* the start tag is still open: attributes may follow */
};

/* implied_ns as in xml_reader_new. */
void xw_init(struct xml_writer *w, struct buf *out, struct str implied_ns);
/* ns empty: as the parent. ns and name must stay valid until the matching xw_close. */
void xw_open(struct xml_writer *w, struct str ns, struct str name);
void xw_attr(struct xml_writer *w, const char *name, struct str value);
/* Attribute only when the value is not empty. */
void xw_attr_if(struct xml_writer *w, const char *name, struct str value);
void xw_text(struct xml_writer *w, struct str text);
/* Canonical bytes made under the same implied namespace as the current element's. */
void xw_raw(struct xml_writer *w, struct str canonical);
void xw_close(struct xml_writer *w);
/* <name xmlns=ns>text</name> in one call; text may be empty. */
void xw_leaf(struct xml_writer *w, struct str ns, const char *name, struct str text);

/* Escapes for use outside the writer (stream header). */
void xml_escape(struct buf *out, struct str text);

/* A whole stanza for the wire of a stream whose content namespace is the one the payload was made for:
 * start tag anew from the envelope, then the payload. */
void xml_write_stanza(struct buf *out, const struct stanza *s);

/* XEP-0297: a stanza within another, as <forwarded/>; stamp (XEP-0203, as clock_stamp makes it): when it was received;
 * NULL: the copy is as new as what carries it. */
void xml_write_forwarded(struct xml_writer *w, const struct stanza *st, const char *stamp);

/* Names of kinds and types ("message", "chat"); NULL for the types that are written as no attribute. */
const char *stanza_kind_name(enum stanza_kind kind);
const char *stanza_type_name(enum stanza_type type);
/* Attribute text (absent = empty) to type. False when this kind has no such type (for message and unknown text:
 * RFC 6121 §5.2.2 says treat as normal, then true with TYPE_NORMAL). */
bool stanza_type_parse(enum stanza_kind kind, struct str text, enum stanza_type *type_r);

/* Stanza errors (RFC 6120 §8.3.3): writes <error type=…><condition/>[<text/>]</error>. */
enum stanza_error {
	SE_NONE,
	SE_BAD_REQUEST,
	SE_CONFLICT,
	SE_FEATURE_NOT_IMPLEMENTED,
	SE_FORBIDDEN,
	SE_GONE,
	SE_INTERNAL_SERVER_ERROR,
	SE_ITEM_NOT_FOUND,
	SE_JID_MALFORMED,
	SE_NOT_ACCEPTABLE,
	SE_NOT_ALLOWED,
	SE_NOT_AUTHORIZED,
	SE_POLICY_VIOLATION,
	SE_RECIPIENT_UNAVAILABLE,
	SE_REDIRECT,
	SE_REGISTRATION_REQUIRED,
	SE_REMOTE_SERVER_NOT_FOUND,
	SE_REMOTE_SERVER_TIMEOUT,
	SE_RESOURCE_CONSTRAINT,
	SE_SERVICE_UNAVAILABLE,
	SE_SUBSCRIPTION_REQUIRED,
	SE_UNDEFINED_CONDITION,
	SE_UNEXPECTED_REQUEST,
	SE_COUNT,
};

/* text may be empty. The error's type (auth, cancel, modify, wait) is the RFC's for the condition. */
void xml_write_error(struct xml_writer *w, enum stanza_error e, struct str text);
const char *stanza_error_name(enum stanza_error e);
