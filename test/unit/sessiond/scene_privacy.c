/* See scene_privacy.h. */
#include "scene_privacy.h"

#include <stdio.h>

#define NS "xmlns='jabber:iq:privacy'"

void
asks_as(struct scene *s, const char *name, const char *type, const char *payload)
{
	struct buf text = {0};

	buf_printf(&text, "<iq type='%s' id='p'>%s</iq>%c", type, payload, 0);
	says(s, name, buf_str(&text).p);
	buf_deinit(&text);
}

/* <query/> with this inside. */
void
sets_lists(struct scene *s, const char *name, const char *inside)
{
	struct buf text = {0};

	buf_printf(&text, "<query " NS ">%s</query>%c", inside, 0);
	asks_as(s, name, "set", buf_str(&text).p);
	buf_deinit(&text);
}

void
gets_lists(struct scene *s, const char *name, const char *inside)
{
	struct buf text = {0};

	forget(s);
	buf_printf(&text, "<query " NS ">%s</query>%c", inside, 0);
	asks_as(s, name, "get", buf_str(&text).p);
	buf_deinit(&text);
}

/* Sets it, and it must go well. */
void
has_list(struct scene *s, const char *name, const char *inside)
{
	forget(s);
	sets_lists(s, name, inside);
	if (!has(s, "id='p' type='result'"))
		fail_msg("%s", inside);
	forget(s);
}

/* romeo, twice here, and juliet are friends; tybalt is nobody's. */
struct scene *
scene_of_lists(void)
{
	struct scene *s = scene_new();

	are_friends(s, "romeo@h", "juliet@h");
	login(s, "romeo/orchard");
	login(s, "romeo/garden");
	login(s, "juliet/balcony");
	login(s, "tybalt/street");
	forget(s);
	return s;
}

bool
hears(struct scene *s, const char *to, const char *from, const char *stanza)
{
	char text[128];
	bool heard;

	forget(s);
	says(s, from, stanza);
	snprintf(text, sizeof(text), "%s: ", to);
	heard = has(s, text);
	forget(s);
	return heard;
}
