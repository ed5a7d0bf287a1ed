/* See limits.h. */
#include "edge/limits.h"

struct xml_limits
limits_for_reader(const struct element_limits *l)
{
	return (struct xml_limits){.bytes = (size_t)l->bytes,
	    .elements = (size_t)l->elements,
	    .depth = (size_t)l->depth,
	    .attributes = (size_t)l->attributes,
	    .dict_bytes = (size_t)l->dict_bytes};
}
