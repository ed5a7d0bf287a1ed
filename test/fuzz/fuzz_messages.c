/* Bodies of messages: the decoder of each is total, and what it takes is written again the same (INV-29). The first byte
 * chooses the message. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bus/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk_lists(const struct bus_record *r, const void *record)
{
	for (uint32_t i = 0; i < r->n_fields; i++) {
		const struct bus_field *f = &r->fields[i];
		const uint8_t *p = (const uint8_t *)record + f->offset;
		if (f->kind == FIELD_record)
			walk_lists(f->record, p);
		if (f->kind != FIELD_list)
			continue;
		struct bus_list it = *(const struct bus_list *)(const void *)p;
		void *item = mem_new(f->record->size);
		while (bus_list_next(&it, f->record, item))
			walk_lists(f->record, item);
		assert(str_empty(it.bytes));
		free(item);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned count;
	union bus_any msg;
	struct buf out = {0};
	bus_message_at(0, &count);
	if (size < 1)
		return 0;
	const struct bus_message *m = bus_message_at(data[0] % count, NULL);
	struct str body = str_of(data + 1, size - 1);
	if (!bus_decode(m, body, &msg))
		return 0;
	walk_lists(&m->body, &msg);
	assert(bus_size(m, &msg) == body.n);
	bus_encode(&out, m, &msg);
	assert(str_eq(buf_str(&out), body));
	buf_clear(&out);
	bus_dump(&out, m, &msg);
	assert(!memchr(buf_str(&out).p, '\n', buf_len(&out)));
	buf_deinit(&out);
	return 0;
}
