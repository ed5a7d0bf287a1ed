/* See pool.h. The last one given is the first one taken: it is still in the cache. */
#include "xml/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define POOL_MAX 16u
/* A context with more than this is freed, not kept: names stay in it for ever, buffers as large as they were. */
#define NAMES_MAX 16384u
#define BUFFERS_MAX 32768u

struct xml_pool {
	struct xml_tools spares[POOL_MAX];
	size_t n;
};

struct xml_pool *
xml_pool_new(void)
{
	return NEW(struct xml_pool);
}

void
xml_pool_free(struct xml_pool **pp)
{
	struct xml_pool *p = *pp;
	*pp = NULL;
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		tools_free(&p->spares[i]);
	free(p);
}

void
tools_free(struct xml_tools *t)
{
	xml_parser_free(&t->parser);
	free((char *)t->primer.p);
	buf_deinit(&t->payload);
	buf_deinit(&t->values);
	buf_deinit(&t->prefixes);
	free(t->attrs);
	free(t->levels);
	*t = (struct xml_tools){.parser = NULL};
}

static bool
is_worth_keeping(const struct xml_tools *t)
{
	return xml_parser_names(t->parser) <= NAMES_MAX &&
	    t->payload.cap + t->values.cap <= BUFFERS_MAX;
}

/* Leaves no gap. */
static struct xml_tools
spare_remove(struct xml_pool *p, size_t i)
{
	struct xml_tools t = p->spares[i];
	p->n--;
	memmove(&p->spares[i], &p->spares[i + 1], (p->n - i) * sizeof(t));
	return t;
}

bool
pool_take(struct xml_pool *p, struct str primer, struct xml_tools *t_r)
{
	for (size_t i = p->n; i-- > 0;) {
		if (!str_eq(p->spares[i].primer, primer))
			continue;
		*t_r = spare_remove(p, i);
		return true;
	}
	return false;
}

/* The oldest goes when there is no room: streams with its primer may be gone for good. */
void
pool_give(struct xml_pool *p, struct str primer, struct xml_tools *t)
{
	if (!is_worth_keeping(t)) {
		tools_free(t);
		return;
	}
	if (str_empty(t->primer))
		t->primer = str_of(str_dup(primer), primer.n);
	if (p->n == POOL_MAX) {
		struct xml_tools oldest = spare_remove(p, 0);
		tools_free(&oldest);
	}
	p->spares[p->n++] = *t;
	*t = (struct xml_tools){.parser = NULL};
}
