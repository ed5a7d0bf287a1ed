/* What the one pass finds out about a payload. Not for others. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* What one element says about its stanza. ns: empty stands for the stream's own namespace. direct: it
 * is a child of the stanza itself. */
uint32_t facts_of_element(struct str ns, struct str name, bool direct);
