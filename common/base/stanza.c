/* See stanza.h. */
#include "base/stanza.h"

#include "base/mem.h"

static struct str
put(char **at, struct str s)
{
	struct str copy = {.p = *at, .n = s.n};

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

struct stanza *
stanza_copy(const struct stanza *st)
{
	size_t n = st->from.n + st->to.n + st->id.n + st->lang.n + st->payload.n;
	struct stanza *copy = mem_new(sizeof(*copy) + n);
	char *at = (char *)(copy + 1);

	*copy = *st;
	copy->from = put(&at, st->from);
	copy->to = put(&at, st->to);
	copy->id = put(&at, st->id);
	copy->lang = put(&at, st->lang);
	copy->payload = put(&at, st->payload);
	return copy;
}
