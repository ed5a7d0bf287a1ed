/* Stream headers and the end of streams (RFC 6120 §4): what all edges say and check in the same way. */
#pragma once

#include "base/buf.h"
#include "bus/role.h"
#include "edge/texts.h"
#include "xml/reader.h"

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

/* Element, prefix, version and the namespace `ns` of the content of a peer's header. */
enum stream_error header_check(const struct xml_element *root, const char *ns);

struct header {
	const char *ns;      /* of the content */
	struct str from, to; /* empty: left out */
	struct str id;       /* the same */
	bool dialback;       /* declares the prefix db (XEP-0220) */
	bool is_old;         /* the peer has told no version, and is told none (RFC 6120 §4.7.5) */
	enum lang lang;
};
void header_write(struct buf *out, const struct header *h);

/* <stream:error/>. text, in English (texts.h), may be NULL, or header_text_too_big, which XMPP has a condition for. */
extern const char header_text_too_big[];
void header_write_error(struct buf *out, enum stream_error error, const char *text, enum lang lang);

/* What the peer is told for what the reader refused (XML_OK, XML_STOPPED: STREAM_OK), and in which words (NULL: none). */
enum stream_error header_error_of_xml(enum xml_error e);
const char *header_text_of_xml(enum xml_error e);
