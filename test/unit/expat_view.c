/* See expat_view.h. */
#include "expat_view.h"

#include <dlfcn.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define SEP '\x01'

static struct {
	__typeof__(&XML_ParserCreateNS) create;
	__typeof__(&XML_SetUserData) set_user_data;
	__typeof__(&XML_SetElementHandler) set_element_handler;
	__typeof__(&XML_SetCharacterDataHandler) set_text_handler;
	__typeof__(&XML_Parse) parse;
	__typeof__(&XML_ParserFree) free;
} expat;

bool
expat_view_load(void)
{
	void *lib = dlopen("libexpat.so.1", RTLD_NOW);
	if (!lib)
		return false;
	*(void **)&expat.create = dlsym(lib, "XML_ParserCreateNS");
	*(void **)&expat.set_user_data = dlsym(lib, "XML_SetUserData");
	*(void **)&expat.set_element_handler = dlsym(lib, "XML_SetElementHandler");
	*(void **)&expat.set_text_handler = dlsym(lib, "XML_SetCharacterDataHandler");
	*(void **)&expat.parse = dlsym(lib, "XML_Parse");
	*(void **)&expat.free = dlsym(lib, "XML_ParserFree");
	return true;
}

static void
view_break(struct expat_view *v)
{
	if (v->in_text)
		buf_add_c(&v->text, '\n');
	v->in_text = false;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const XML_Char *const *)a, *(const XML_Char *const *)b);
}

/* In the order of their names: we write attributes in an order of our own. */
static void
on_start(void *user, const XML_Char *name, const XML_Char **attrs)
{
	struct expat_view *v = user;
	size_t n = 0;
	view_break(v);
	buf_printf(&v->text, "<%s", name);
	while (attrs[2 * n])
		n++;
	qsort(attrs, n, 2 * sizeof(*attrs), compare_names);
	for (; *attrs; attrs += 2)
		buf_printf(&v->text, " %s=\"%s\"", attrs[0], attrs[1]);
	buf_add_c(&v->text, '\n');
}

static void
on_end(void *user, const XML_Char *name)
{
	struct expat_view *v = user;
	(void)name;
	view_break(v);
	buf_add_z(&v->text, ">\n");
}

static void
on_text(void *user, const XML_Char *s, int n)
{
	struct expat_view *v = user;
	if (!v->in_text)
		buf_add_c(&v->text, '=');
	v->in_text = true;
	buf_add(&v->text, s, (size_t)n);
}

bool
expat_view(struct expat_view *v, struct str document)
{
	XML_Parser p = expat.create("UTF-8", SEP);
	*v = (struct expat_view){.in_text = false};
	expat.set_user_data(p, v);
	expat.set_element_handler(p, on_start, on_end);
	expat.set_text_handler(p, on_text);
	bool ok = expat.parse(p, document.p, (int)document.n, 1) == XML_STATUS_OK;
	expat.free(p);
	return ok;
}
