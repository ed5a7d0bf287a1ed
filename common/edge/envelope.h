/* A peer's element becomes an envelope and a payload (DESIGN.md §2). */
#pragma once

#include "base/jid.h"
#include "base/stanza.h"
#include "xml/reader.h"
#include "xml/writer.h"

#define ENVELOPE_ID_MAX 1023
#define ENVELOPE_LANG_MAX 64

/* message, presence, iq; false when the name is none of them. */
bool envelope_kind(struct str name, enum stanza_kind *kind_r);

/* Fills all but `from`. SE_NONE, or what is wrong with it; then the type is one that may be answered. lang: the stream's. The text of
 * `to` lies in buf; everything else is the element's. */
enum stanza_error envelope_make(
    const struct xml_element *e, struct str lang, struct jid_buf *buf, struct stanza *st);
/* Whether id and language fit into the messages of the bus; if not, the stream is to be ended. */
bool envelope_fits(const struct stanza *st);
