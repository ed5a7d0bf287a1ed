/* Error texts: cut at the end when too long, never overflowing. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *e, const char *fmt, ...)
{
	if (e) {
		/* Written aside first: an argument may be the old text. */
		char text[sizeof(e->text)];
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		memcpy(e->text, text, sizeof(text));
	}
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	if (e) {
		char old[sizeof(e->text)], context[sizeof(e->text)];
		memcpy(old, e->text, sizeof(old));
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(context, sizeof(context), fmt, ap);
		va_end(ap);
		err_set(e, "%s: %s", context, old);
	}
	return -1;
}
