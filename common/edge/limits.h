/* How large an element of a peer may be, as settings of an edge (SECURITY.md §4.3). */
#pragma once

#include "service/settings.h"
#include "xml/reader.h"

/* The members are those of struct xml_limits. */
struct element_limits {
	int64_t bytes, elements, depth, attributes, dict_bytes;
};

struct xml_limits limits_for_reader(const struct element_limits *l);

#define ELEMENT_LIMIT(at, member) ((at) + offsetof(struct element_limits, member))

/* Rows of the daemon's table; at: the offset of its struct element_limits. Of strangers: */
#define STRANGER_LIMIT_ROWS(at, elements_)                                                       \
	SETTING_INT_ROW("preauth_bytes", ELEMENT_LIMIT(at, bytes), "10240", 1024, 262144,        \
	    "Bytes of an element before it is known who sends it"),                              \
	    SETTING_INT_ROW("preauth_elements", ELEMENT_LIMIT(at, elements), elements_, 4, 4096, \
		"Elements in one before that"),                                                  \
	    SETTING_INT_ROW(                                                                     \
		"preauth_depth", ELEMENT_LIMIT(at, depth), "8", 2, 64, "Nesting before that"),   \
	    SETTING_INT_ROW("preauth_attributes", ELEMENT_LIMIT(at, attributes), "32", 8, 128,   \
		"Attributes of an element before that"),                                         \
	    SETTING_INT_ROW("preauth_dict_bytes", ELEMENT_LIMIT(at, dict_bytes), "65536", 8192,  \
		1048576, "Bytes of different names on a connection before that")

/* And of those who are known. bytes_max_: a payload may come out twice as long as it was, and must fit into a frame of the bus (or
 * the daemon looks at that itself). */
#define STANZA_LIMIT_ROWS(at, bytes_, bytes_max_, elements_, dict_bytes_)                         \
	SETTING_INT_ROW("stanza_bytes", ELEMENT_LIMIT(at, bytes), bytes_, 10000, bytes_max_,      \
	    "Bytes of a stanza"),                                                                 \
	    SETTING_INT_ROW("stanza_elements", ELEMENT_LIMIT(at, elements), elements_, 32, 65536, \
		"Elements in a stanza"),                                                          \
	    SETTING_INT_ROW(                                                                      \
		"stanza_depth", ELEMENT_LIMIT(at, depth), "64", 8, 128, "Nesting in a stanza"),   \
	    SETTING_INT_ROW("stanza_attributes", ELEMENT_LIMIT(at, attributes), "128", 16, 1024,  \
		"Attributes of an element"),                                                      \
	    SETTING_INT_ROW("dict_bytes", ELEMENT_LIMIT(at, dict_bytes), dict_bytes_, 16384,      \
		4194304, "Bytes of different names on a connection")
