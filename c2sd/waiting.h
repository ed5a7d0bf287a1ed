/* Elements that were parsed while an answer is awaited: copies, in order. Reading is paused meanwhile, so it is what one read
 * held behind the element that asked. */
#pragma once

#include <stdbool.h>

#include "base/list.h"
#include "xml/reader.h"

#define WAITING_BYTES (32 * 1024) /* with all that keeps them; over it the stream is in error */

struct waiting {
	struct list elements;
	size_t bytes;
};

void waiting_init(struct waiting *w);
/* False: there is no room. */
bool waiting_add(struct waiting *w, const struct xml_element *e);
/* Takes the first one; NULL when there is none. The caller frees it with free(). */
struct xml_element *waiting_take(struct waiting *w);
void waiting_clear(struct waiting *w);
