/* The libxml2 push parser behind a few calls, so that another parser could take its place. Not for others:
 * the reader feeds it, and it calls the reader back (internal.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "xml/reader.h"

struct xml_parser;

/* A declaration xmlns:prefix='ns'; prefix empty: the default. */
struct xml_decl {
	struct str prefix, ns;
};

/* A start tag. Names and namespaces live as long as the parser, the rest until the callback returns. */
struct xml_tag {
	struct str prefix, ns, name;
	const struct xml_attr *attrs;
	size_t n_attrs;
	const struct xml_decl *decls;
	size_t n_decls;
};

struct xml_parser *xml_parser_new(struct xml_reader *r, size_t dict_bytes);
void xml_parser_free(struct xml_parser **p);
/* It serves another reader from now on. Nothing may be half read. */
void xml_parser_adopt(struct xml_parser *p, struct xml_reader *r);
/* How much more its names may take. */
void xml_parser_limit_names(struct xml_parser *p, size_t dict_bytes);
void xml_parser_feed(struct xml_parser *p, struct str bytes);
/* No further callbacks. Must not be fed any more. */
void xml_parser_stop(struct xml_parser *p);
/* Bytes fed and used up. */
size_t xml_parser_position(const struct xml_parser *p);
/* The bytes behind them, of markup or text that is not complete; none in a CDATA section. */
struct str xml_parser_pending(const struct xml_parser *p);
/* What its names cost, and whether it still believes in the document. */
size_t xml_parser_names(const struct xml_parser *p);
bool xml_parser_is_sound(const struct xml_parser *p);
