/* Escaping, shared by the reader's canonical output and the writer. Not for others. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* For bytes that a parser has accepted as text or as an attribute's value. */
void escape_text(struct buf *out, struct str s);
void escape_attr(struct buf *out, struct str s);

/* The same for any bytes: what is not UTF-8 or no character of XML is left out. */
void escape_any_text(struct buf *out, struct str s);
void escape_any_attr(struct buf *out, struct str s);
