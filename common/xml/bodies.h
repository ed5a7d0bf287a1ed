/* The text of a message out of its canonical bytes, without a parser: for storaged, which must not have one beside the
 * database. This is no second way to read XML: the form is that of canon.c alone (single quotes, no `<` or `>` inside a
 * value, a foreign namespace declared first), and what is made of other bytes (an edge that wrote them may be somebody
 * else's by now) is some text or none, in one pass and with nothing but the output allocated. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

/* Appends the character data directly in each top-level <body/> of the implied namespace, a space behind each body. Never
 * more than the payload's own length and one byte for each body. */
void xml_bodies(struct buf *out, struct str payload);
