/* Canonical bytes as a small tree, for handlers that must look inside (IQ, subscriptions): the same reader,
 * the same limits. The tree lives in an arena. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "xml/reader.h"

struct xml_node {
	struct str ns, name;
	const struct xml_attr *attrs;
	size_t n_attrs;
	struct str text;           /* all character data directly below, joined */
	struct xml_node *children; /* first child element */
	struct xml_node *next;     /* next sibling element */
	struct str slice; /* its canonical bytes in their place: where the parent's namespace is its own,
	                              that is declared further up. For other places use xml_node_raw. */
	bool inherits; /* so it is */
};

/* Parses a payload. implied_ns: what an undeclared top-level element is in ("jabber:client").
 * Returns the first top-level element; NULL for an empty payload or one that cannot be read. */
struct xml_node *xml_tree_parse(struct arena *a, struct str payload, struct str implied_ns);

/* The facts (enum stanza_fact) of a payload that was put together here. */
uint32_t xml_payload_facts(struct str payload, struct str implied_ns);

/* First element of the list starting at `first` with this namespace and name; NULL if none. */
struct xml_node *xml_find(struct xml_node *first, const char *ns, const char *name);
struct xml_node *xml_child(const struct xml_node *parent, const char *ns, const char *name);
struct str xml_node_attr(const struct xml_node *n, const char *name, bool *found_r);
/* The element alone as canonical bytes, its namespace declared (unless it is the implied one) so that it
 * stands by itself in xw_raw. Usually a part of what was parsed, else made in a. A call, not a field: with
 * a long namespace and many children the copies of all nodes would be a hundred times the payload. */
struct str xml_node_raw(struct arena *a, const struct xml_node *n);
