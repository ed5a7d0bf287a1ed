/* What readers at rest leave for each other. Not for others. */
#pragma once

#include "xml/parser.h"
#include "xml/reader.h"

/* An open element below the root, as the canonical output sees it. */
struct xml_level {
	struct str ns; /* as written; not set where `implied` */
	bool implied;  /* it and every ancestor up to the stanza are in the implied namespace */
	bool unseen; /* the top-level element, in another namespace: its children must declare theirs */
};

/* What a reader needs only while bytes come. Between elements it holds none, or what it holds can serve another reader whose
 * stream has the same primer (pool.c). */
struct xml_tools {
	struct xml_parser *parser; /* NULL until bytes come, and at rest */
	struct str primer; /* owned: of the streams that the parser can serve; set by the pool */
	struct xml_level *levels; /* by depth of the element itself */
	size_t levels_cap;
	struct xml_attr *attrs; /* of the top-level element at hand; values in `values` */
	size_t attrs_cap;
	struct buf values;
	struct buf payload;
	struct buf prefixes; /* scratch of the canonical output */
};

/* Frees what is there. */
void tools_free(struct xml_tools *t);
/* Tools primed with this, or false. */
bool pool_take(struct xml_pool *p, struct str primer, struct xml_tools *t_r);
/* Takes them, primed with this. */
void pool_give(struct xml_pool *p, struct str primer, struct xml_tools *t);
