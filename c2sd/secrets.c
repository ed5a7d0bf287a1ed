/* See secrets.h. The element that comes in the place of <password/> is sealed with the key that SASL's messages are sealed with. */
#include "secrets.h"

#include "base/arena.h"
#include "base/enc.h"
#include "links.h"
#include "names.h"
#include "xml/tree.h"
#include "xml/writer.h"

#define PASSWORD_MAX (4096 - SEAL_OVERHEAD) /* as messages.def has it for what is sealed */

/* The own account or the own server; others' registration forms are none of our business. */
static bool
is_to_us(const struct session *s, const struct stanza *st)
{
	return str_empty(st->to) || str_eq(st->to, session_bare(s)) ||
	    str_eq(st->to, jid_split(str_z(s->jid)).domain);
}

static void
write_sealed(struct seal *seal, struct xml_writer *w, struct str password)
{
	struct buf sealed = {.data = NULL}, text = {.data = NULL};

	seal_close(seal, password, &sealed);
	enc_base64(&text, buf_str(&sealed));
	xw_leaf(w, S(NS_SEAL), "sealed", buf_str(&text));
	buf_deinit(&sealed);
	buf_deinit(&text);
}

static enum stanza_error
rewrite(struct seal *seal, struct arena *a, const struct xml_node *query, struct buf *out)
{
	struct xml_writer w;

	xw_init(&w, out, S(NS_CLIENT));
	xw_open(&w, query->ns, query->name);
	for (const struct xml_node *n = query->children; n; n = n->next) {
		bool is_password = str_is(n->ns, NS_REGISTER) && str_is(n->name, "password");

		if (is_password && n->text.n > PASSWORD_MAX)
			return SE_NOT_ACCEPTABLE;
		if (is_password)
			write_sealed(seal, &w, n->text);
		else if (!str_is(n->ns, NS_SEAL))
			xw_raw(&w, xml_node_raw(a, n));
	}
	xw_close(&w);
	return SE_NONE;
}

enum stanza_error
secrets_seal(struct session *s, struct stanza *st, struct buf *out)
{
	struct arena a = {.blocks = NULL};
	struct xml_node *query;
	struct endpoint authd;
	enum stanza_error wrong = SE_NONE;

	if (st->kind != STANZA_IQ || st->type != TYPE_SET || !is_to_us(s, st))
		return SE_NONE;
	query = xml_find(xml_tree_parse(&a, st->payload, S(NS_CLIENT)), NS_REGISTER, "query");
	if (query && !links_authd(s->c2sd, &authd))
		wrong = SE_RESOURCE_CONSTRAINT;
	else if (query)
		wrong = rewrite(&s->c2sd->seal, &a, query, out);
	if (query)
		st->payload = wrong == SE_NONE ? buf_str(out) : S("");
	arena_deinit(&a);
	return wrong;
}
