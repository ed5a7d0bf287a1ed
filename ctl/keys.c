/* See keys.h. Called by cert.c and archive.c. */
#include "keys.h"

#include <string.h>

#include "service/paths.h"
#include "tool.h"

#define KEY "\nkeys = \""

/* The value in what `keyd -nn` prints; NULL: it is empty. */
static char *
find_setting(struct str text)
{
	const char *at = text.p ? memmem(text.p, text.n, KEY, strlen(KEY)) : NULL;

	if (!at)
		return NULL;
	struct str value = str_from(text, (size_t)(at - text.p) + strlen(KEY));
	value.n = str_find(value, '"');
	return str_empty(value) ? NULL : str_dup(value);
}

const char *
keys_path(const struct ctl *c)
{
	static char *path; /* asked once: one run is about one suite */
	struct buf text = {0};
	struct err ignored;

	if (path)
		return path;
	if (tool_ask(c, program_of(ROLE_KEYD), "-nn", &text, &ignored) == 0)
		path = find_setting(buf_str(&text));
	buf_deinit(&text);
	if (!path)
		path = path_keys(c->dir);
	return path;
}
