/* libxml2, set up against its defaults (SECURITY.md §1.3): no encoding but UTF-8 whatever the document says,
 * no network, no file, no entity, no DTD, an end at the first error of any kind. The only file that includes
 * libxml2. Nothing of a document is kept here but the names in the parser's dictionary. */
#include "xml/parser.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/mem.h"
#include "xml/internal.h"

/* What a dictionary's entry takes beside its bytes. */
#define NAME_COST 48

struct xml_parser {
	xmlParserCtxtPtr ctxt;
	struct xml_reader *reader;
	struct xml_attr *attrs; /* of the tag at hand, reused */
	struct xml_decl *decls;
	size_t attrs_cap, decls_cap;
	size_t cdata_cr_end; /* where a CDATA block ended in CR */
	bool is_stopped;     /* by the reader */
	bool odd_namespace; /* libxml2 dislikes a namespace name as a URI: no reason to stop (F-33) */
};

static struct str
str_x(const xmlChar *z)
{
	return str_z((const char *)z);
}

/* At the end of each callback. Not at once where the reader fails: libxml2 frees the bytes that a callback is
 * looking at. */
static void
stop_if_told(struct xml_parser *p)
{
	if (p->is_stopped)
		xmlStopParser(p->ctxt);
}

static void
tag_fill(struct xml_parser *p, struct xml_tag *t, const xmlChar **attrs, const xmlChar **decls)
{
	if (t->n_attrs > p->attrs_cap) {
		p->attrs_cap = t->n_attrs + 8;
		p->attrs = mem_grow(p->attrs, p->attrs_cap * sizeof(*p->attrs));
	}
	if (t->n_decls > p->decls_cap) {
		p->decls_cap = t->n_decls + 4;
		p->decls = mem_grow(p->decls, p->decls_cap * sizeof(*p->decls));
	}
	for (size_t i = 0; i < t->n_attrs; i++, attrs += 5)
		p->attrs[i] = (struct xml_attr){.name = str_x(attrs[0]),
		    .ns = str_x(attrs[2]),
		    .value = str_of(attrs[3], (size_t)(attrs[4] - attrs[3]))};
	for (size_t i = 0; i < t->n_decls; i++, decls += 2)
		p->decls[i] = (struct xml_decl){.prefix = str_x(decls[0]), .ns = str_x(decls[1])};
	t->attrs = p->attrs;
	t->decls = p->decls;
}

/* Namespace errors leave libxml2 going on, only with this flag down. */
static bool
namespaces_are_sound(struct xml_parser *p)
{
	bool sound = p->ctxt->nsWellFormed || p->odd_namespace;
	if (sound)
		p->ctxt->nsWellFormed = 1;
	p->odd_namespace = false;
	return sound;
}

/* libxml2 reports a start tag before it looks for the end of it. */
static bool
tag_is_complete(const struct xml_parser *p)
{
	const xmlChar *end = p->ctxt->input->cur;
	return end[0] == '>' || (end[0] == '/' && end[1] == '>');
}

/* The parameters are libxml2's. */
static void
on_start(/* NOLINT(readability-function-size) */ void *user, const xmlChar *name,
    const xmlChar *prefix, const xmlChar *ns, int n_decls, const xmlChar **decls, int n_attrs,
    int n_defaulted, const xmlChar **attrs)
{
	struct xml_parser *p = user;
	struct xml_tag t = {.prefix = str_x(prefix),
	    .ns = str_x(ns),
	    .name = str_x(name),
	    .n_attrs = (size_t)n_attrs,
	    .n_decls = (size_t)n_decls};
	/* No element is in the namespace of `xml`, and one without a prefix could not be written there. */
	if (!namespaces_are_sound(p) || !tag_is_complete(p) || n_defaulted != 0 ||
	    str_is(t.prefix, "xml")) {
		reader_fail(p->reader, XML_NOT_WELL_FORMED);
	} else if (reader_may_start(p->reader, t.n_attrs + t.n_decls)) {
		tag_fill(p, &t, attrs, decls);
		reader_on_start(p->reader, &t);
	}
	stop_if_told(p);
}

static void
on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *ns)
{
	struct xml_parser *p = user;
	(void)prefix;
	(void)ns;
	reader_on_end(p->reader, str_x(name));
	stop_if_told(p);
}

static void
on_text(void *user, const xmlChar *text, int n)
{
	struct xml_parser *p = user;
	if (n > 0)
		reader_on_text(p->reader, str_of(text, (size_t)n));
	stop_if_told(p);
}

/* CR and CRLF to LF, which libxml2 forgets in CDATA sections. A section comes in blocks, and a CR at the end of
 * one belongs to an LF at the start of the next if nothing was between them. */
static void
cdata_lines(struct xml_parser *p, struct str s)
{
	size_t at = xml_parser_position(p);
	if (at == p->cdata_cr_end && s.p[0] == '\n')
		s = str_from(s, 1);
	p->cdata_cr_end = s.n > 0 && s.p[s.n - 1] == '\r' ? at + s.n : 0;
	while (s.n > 0) {
		size_t cr = str_find(s, '\r');
		if (cr > 0)
			reader_on_text(p->reader, str_of(s.p, cr));
		if (cr < s.n)
			reader_on_text(p->reader, S("\n"));
		s = str_from(s, cr + 1);
		if (s.n > 0 && s.p[0] == '\n')
			s = str_from(s, 1);
	}
}

/* Overlong forms pass libxml2's own look at a CDATA section. It cuts blocks between characters. */
static void
on_cdata(void *user, const xmlChar *text, int n)
{
	struct xml_parser *p = user;
	struct str s = str_of(text, n > 0 ? (size_t)n : 0);
	if (!str_is_utf8(s))
		reader_fail(p->reader, XML_NOT_WELL_FORMED);
	else if (s.n > 0)
		cdata_lines(p, s);
	stop_if_told(p);
}

static void
on_doctype(void *user, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	struct xml_parser *p = user;
	(void)name;
	(void)public_id;
	(void)system_id;
	reader_fail(p->reader, XML_RESTRICTED);
	stop_if_told(p);
}

static void
on_comment(void *user, const xmlChar *text)
{
	struct xml_parser *p = user;
	(void)text;
	reader_fail(p->reader, XML_RESTRICTED);
	stop_if_told(p);
}

static void
on_instruction(void *user, const xmlChar *target, const xmlChar *data)
{
	struct xml_parser *p = user;
	(void)target;
	(void)data;
	reader_fail(p->reader, XML_RESTRICTED);
	stop_if_told(p);
}

static void
on_reference(void *user, const xmlChar *name)
{
	struct xml_parser *p = user;
	(void)name;
	reader_fail(p->reader, XML_RESTRICTED);
	stop_if_told(p);
}

/* "<!DOCTYPE" where none may be is a syntax error to libxml2, found before or behind the '<'. */
static bool
is_at_declaration(const xmlParserInput *in)
{
	if (!in)
		return false;
	const xmlChar *p = in->cur;
	if (*p == '<')
		p++;
	return p > in->base && p[-1] == '<' && p[0] == '!' && p[1] != '[';
}

/* Whatever libxml2 finds worth saying ends the stream, but for what is only its opinion about URIs and the
 * values of xml:lang and xml:space. */
static void
on_error(void *user, xmlErrorPtr e)
{
	struct xml_parser *p = user;
	switch (e->code) {
	case XML_WAR_NS_URI:
		p->odd_namespace = true;
		break;
	case XML_WAR_NS_URI_RELATIVE:
	case XML_WAR_LANG_VALUE:
	case XML_WAR_SPACE_VALUE:
		break;
	case XML_ERR_UNDECLARED_ENTITY:
	case XML_WAR_UNDECLARED_ENTITY:
	case XML_ERR_RESERVED_XML_NAME: /* <?xml?> behind the beginning */
		reader_fail(p->reader, XML_RESTRICTED);
		break;
	case XML_NS_ERR_UNDEFINED_NAMESPACE: /* RFC 6120 §11.3 */
	case XML_NS_ERR_XML_NAMESPACE:
		reader_fail(p->reader, XML_NOT_WELL_FORMED);
		break;
	case XML_ERR_NO_MEMORY: /* so says a full dictionary */
		reader_fail(p->reader, XML_TOO_COMPLEX);
		break;
	default:
		reader_fail(p->reader,
		    is_at_declaration(p->ctxt->input) ? XML_RESTRICTED : XML_NOT_WELL_FORMED);
	}
	stop_if_told(p);
}

static xmlSAXHandler handlers = {
    .internalSubset = on_doctype,
    .externalSubset = on_doctype,
    .reference = on_reference,
    .characters = on_text,
    /* The same function: else libxml2 guesses which white space counts. */
    .ignorableWhitespace = on_text,
    .cdataBlock = on_cdata,
    .processingInstruction = on_instruction,
    .comment = on_comment,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .serror = on_error,
    .initialized = XML_SAX2_MAGIC,
};

static xmlParserInputPtr
no_loader(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
	(void)url;
	(void)id;
	(void)ctxt;
	return NULL;
}

static void
library_init(void)
{
	xmlInitParser();
	xmlSetExternalEntityLoader(no_loader);
}

struct xml_parser *
xml_parser_new(struct xml_reader *r, size_t dict_bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, library_init);
	struct xml_parser *p = NEW(struct xml_parser);
	p->reader = r;
	p->ctxt = xmlCreatePushParserCtxt(&handlers, p, NULL, 0, NULL);
	/* The encoding is forced before any byte is there to guess it from. NOENT because without it an
	 * ampersand in an attribute is reported as "&#38;"; no entity can be declared, so nothing expands.
	 * OLD10 because Expat, which many peers use, takes the names of XML 1.0 before its fifth edition: others
	 * would be a way to break a stranger's stream. */
	const int options =
	    XML_PARSE_IGNORE_ENC | XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_OLD10;
	if (!p->ctxt || xmlCtxtUseOptions(p->ctxt, options) != 0 ||
	    xmlCtxtResetPush(p->ctxt, NULL, 0, NULL, "UTF-8") != 0)
		bug("libxml2 cannot make a parser");
	xml_parser_limit_names(p, dict_bytes);
	return p;
}

void
xml_parser_adopt(struct xml_parser *p, struct xml_reader *r)
{
	p->reader = r;
	p->cdata_cr_end = 0;
}

void
xml_parser_limit_names(struct xml_parser *p, size_t dict_bytes)
{
	xmlDictSetLimit(p->ctxt->dict, xmlDictGetUsage(p->ctxt->dict) + dict_bytes);
}

void
xml_parser_free(struct xml_parser **p)
{
	if (!*p)
		return;
	xmlFreeParserCtxt((*p)->ctxt);
	free((*p)->attrs);
	free((*p)->decls);
	free(*p);
	*p = NULL;
}

void
xml_parser_feed(struct xml_parser *p, struct str bytes)
{
	xmlParseChunk(p->ctxt, bytes.p, (int)bytes.n, 0);
}

void
xml_parser_stop(struct xml_parser *p)
{
	p->is_stopped = true;
}

size_t
xml_parser_position(const struct xml_parser *p)
{
	const xmlParserInput *in = p->ctxt->input;
	return in ? in->consumed + (size_t)(in->cur - in->base) : 0;
}

struct str
xml_parser_pending(const struct xml_parser *p)
{
	const xmlParserInput *in = p->ctxt->input;
	if (!in || p->ctxt->instate == XML_PARSER_CDATA_SECTION)
		return (struct str){0};
	return str_of(in->cur, (size_t)(in->end - in->cur));
}

size_t
xml_parser_names(const struct xml_parser *p)
{
	return xmlDictGetUsage(p->ctxt->dict) + NAME_COST * (size_t)xmlDictSize(p->ctxt->dict);
}

bool
xml_parser_is_sound(const struct xml_parser *p)
{
	return p->ctxt->wellFormed && !p->ctxt->disableSAX;
}
