/* Elements that were parsed while an answer was awaited: copies, in order. Bounded by the bytes of one read, since reading is
 * paused meanwhile. */
#pragma once

#include "base/list.h"
#include "xml/reader.h"

void queue_add(struct list *q, const struct xml_element *e);
/* Takes the first one; NULL when there is none. Valid until queue_free_element. */
struct xml_element *queue_take(struct list *q);
void queue_free_element(struct xml_element *e);
void queue_clear(struct list *q);
