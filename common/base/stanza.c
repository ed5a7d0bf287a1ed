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

bool
stanza_may_bounce(const struct stanza *st)
{
	switch ((enum stanza_type)st->type) {
	case TYPE_ERROR:
	case TYPE_RESULT:
	case TYPE_UNAVAILABLE:
	case TYPE_PROBE:
	case TYPE_SUBSCRIBED:
	case TYPE_UNSUBSCRIBE:
	case TYPE_UNSUBSCRIBED:
		return false;
	case TYPE_NORMAL:
	case TYPE_CHAT:
	case TYPE_GROUPCHAT:
	case TYPE_HEADLINE:
	case TYPE_AVAILABLE:
	case TYPE_SUBSCRIBE:
	case TYPE_GET:
	case TYPE_SET:
	case TYPE_COUNT:
		break;
	}
	return true;
}
