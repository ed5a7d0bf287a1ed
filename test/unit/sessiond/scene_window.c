/* See scene_window.h. */
#include <string.h>

#include "scene.h"

void
says_long(struct scene *s, const char *to, unsigned i, size_t bytes)
{
	struct buf b = {0};

	buf_printf(&b, "<message to='%s' type='chat'><body>%u.", to, i);
	while (bytes-- > 0)
		buf_add_c(&b, 'x');
	buf_add_z(&b, "</body></message>");
	buf_add_c(&b, '\0');
	says(s, "romeo/orchard", (const char *)buf_str(&b).p);
	buf_deinit(&b);
}

unsigned
count(struct scene *s, const char *text)
{
	unsigned n = 0;
	const char *at;

	buf_add_c(&s->out, '\0');
	s->out.end--;
	at = (const char *)s->out.data + s->out.start;
	while ((at = strstr(at, text))) {
		n++;
		at++;
	}
	return n;
}
