/* tree: reading payloads, finding, raw pieces, and what a hostile edge could send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "xml/tree.h"

#define CLIENT S("jabber:client")

static void
test_walk(void **state)
{
	(void)state;
	struct arena a = {0};
	struct xml_node *q = xml_tree_parse(&a,
	    S("<query xmlns='jabber:iq:roster' ver='a&amp;b'><item jid='x@y' name='N'><group>G1</group>"
	      "<group>G&lt;2</group></item>\n<item jid='z'/></query><body>t</body>"),
	    CLIENT);
	assert_non_null(q);
	assert_true(str_is(q->name, "query"));
	assert_true(str_is(q->ns, "jabber:iq:roster"));
	bool found;
	assert_true(str_is(xml_node_attr(q, "ver", &found), "a&b"));
	assert_true(found);
	xml_node_attr(q, "nope", &found);
	assert_false(found);
	struct xml_node *item = xml_child(q, "jabber:iq:roster", "item");
	assert_non_null(item);
	assert_true(str_is(item->children->text, "G1"));
	assert_true(str_is(item->children->next->text, "G<2"));
	assert_null(item->children->next->next);
	assert_true(str_is(xml_node_attr(item->next, "jid", NULL), "z"));
	assert_null(xml_find(item, "jabber:iq:roster", "group"));
	assert_null(xml_child(q, "jabber:client", "item"));
	struct xml_node *body = xml_find(q, "jabber:client", "body");
	assert_non_null(body);
	assert_true(str_is(body->text, "t"));
	arena_deinit(&a);
}

static void
test_raw(void **state)
{
	(void)state;
	struct arena a = {0};
	struct xml_node *n = xml_tree_parse(&a,
	    S("<pubsub xmlns='urn:p'><item id='1'><e xmlns='urn:e'><f/></e></item></pubsub><body>b</body>"
	      "<a><b c='d'/></a><f xmlns='urn:f'><message xmlns='jabber:client'><body>x</body></message></f>"),
	    CLIENT);
	struct xml_node *item = n->children, *e = item->children, *body = n->next,
			*f = body->next->next;
	assert_true(str_is(xml_node_raw(&a, n),
	    "<pubsub xmlns='urn:p'><item id='1'><e xmlns='urn:e'><f/></e></item></pubsub>"));
	assert_true(str_is(item->slice, "<item id='1'><e xmlns='urn:e'><f/></e></item>"));
	assert_true(str_is(
	    xml_node_raw(&a, item), "<item xmlns='urn:p' id='1'><e xmlns='urn:e'><f/></e></item>"));
	assert_true(str_is(xml_node_raw(&a, e), "<e xmlns='urn:e'><f/></e>"));
	assert_true(str_is(xml_node_raw(&a, e->children), "<f xmlns='urn:e'/>"));
	assert_true(str_is(xml_node_raw(&a, body), "<body>b</body>"));
	assert_true(str_is(xml_node_raw(&a, body->next->children), "<b c='d'/>"));
	assert_true(str_is(xml_node_raw(&a, f->children),
	    "<message xmlns='jabber:client'><body>x</body></message>"));
	assert_true(
	    str_is(xml_node_raw(&a, f->children->children), "<body xmlns='jabber:client'>x</body>"));
	arena_deinit(&a);
}

static void
test_text_is_joined(void **state)
{
	(void)state;
	struct arena a = {0};
	struct buf b = {0};
	buf_add_z(&b, "<a>");
	for (int i = 0; i < 30000; i++)
		buf_add_z(&b, "0123456&amp;<b/>");
	buf_add_z(&b, "</a>");
	/* 16384 elements at most */
	assert_null(xml_tree_parse(&a, buf_str(&b), CLIENT));
	buf_clear(&b);
	buf_add_z(&b, "<a>");
	for (int i = 0; i < 10000; i++)
		buf_add_z(&b, "0123456&amp;<b/>");
	buf_add_z(&b, "</a>");
	struct xml_node *n = xml_tree_parse(&a, buf_str(&b), CLIENT);
	assert_non_null(n);
	assert_int_equal(n->text.n, 80000);
	assert_memory_equal(n->text.p + 79992, "0123456&", 8);
	assert_true(str_eq(n->slice, buf_str(&b)));
	buf_deinit(&b);
	arena_deinit(&a);
}

static void
test_nothing_to_read(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "text", "<a>", "</t>", "</t><t>", "</t><b/><t>",
	    "</t></t>", "<a/></t>", "<!-- x -->", "<?x?>", "&foo;", "<!DOCTYPE x>", "<p:a/>",
	    "\xFF", "<a", "</t></t><t xmlns='x'><t>", "<![CDATA["};
	struct arena a = {0};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_null(xml_tree_parse(&a, str_z(bad[i]), CLIENT));
	arena_deinit(&a);
}

static void
test_inv_02_hostile_depth(void **state)
{
	(void)state;
	struct arena a = {0};
	struct buf b = {0};
	for (int i = 0; i < 100000; i++)
		buf_add_z(&b, "<a>");
	assert_null(xml_tree_parse(&a, buf_str(&b), CLIENT));
	buf_deinit(&b);
	arena_deinit(&a);
}

static void
test_other_implied_namespaces(void **state)
{
	(void)state;
	struct arena a = {0};
	struct xml_node *n = xml_tree_parse(&a, S("<a/><b xmlns=''/>"), S("odd & 'name'"));
	assert_true(str_is(n->ns, "odd & 'name'"));
	assert_true(str_empty(n->next->ns));
	assert_true(str_is(xml_node_raw(&a, n->next), "<b xmlns=''/>"));
	arena_deinit(&a);
}

/* What is read without the parser is read as the parser reads it: the same element with a space more, which only the
 * parser takes. */
static void
test_empty_elements(void **state)
{
	static const struct {
		const char *quick, *parsed;
	} cases[] = {
	    {"<ping xmlns='urn:xmpp:ping'/>", "<ping xmlns='urn:xmpp:ping' />"},
	    {"<query xmlns='http://jabber.org/protocol/disco#info'/>",
		"<query xmlns='http://jabber.org/protocol/disco#info' />"},
	    {"<vCard xmlns='vcard-temp'/>", "<vCard xmlns='vcard-temp' />"},
	    {"<_a1 xmlns='1.2_3-4'/>", "<_a1 xmlns='1.2_3-4' />"},
	    {"<a xmlns='jabber:client'/>", "<a xmlns='jabber:client' />"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = {0};
		struct xml_node *q = xml_tree_parse(&a, str_z(cases[i].quick), CLIENT);
		struct xml_node *p = xml_tree_parse(&a, str_z(cases[i].parsed), CLIENT);
		assert_non_null(q);
		assert_non_null(p);
		assert_true(str_eq(q->name, p->name));
		assert_true(str_eq(q->ns, p->ns));
		assert_true(str_eq(q->slice, p->slice));
		assert_true(str_eq(xml_node_raw(&a, q), xml_node_raw(&a, p)));
		assert_int_equal(q->inherits, p->inherits);
		assert_true(q->n_attrs == 0 && !q->children && !q->next && q->text.n == 0);
		arena_deinit(&a);
	}
}

static void
test_what_is_no_empty_element(void **state)
{
	static const char *const bad[] = {"<1 xmlns='urn:a'/>", "< xmlns='urn:a'/>",
	    "<a xmlns='urn:a'/", "<a xmlns='urn:a'", "<a xmlns='urn:a&'/>",
	    "<a xmlns='urn:a' xmlns='urn:b'/>", "<x:a xmlns='urn:a'/>",
	    "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
	    "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", "<", "<a", "<a xmlns='urn:a'/><"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena a = {0};
		assert_null(xml_tree_parse(&a, str_z(bad[i]), CLIENT));
		arena_deinit(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_walk),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_empty_elements),
	    cmocka_unit_test(test_what_is_no_empty_element),
	    cmocka_unit_test(test_text_is_joined),
	    cmocka_unit_test(test_nothing_to_read),
	    cmocka_unit_test(test_inv_02_hostile_depth),
	    cmocka_unit_test(test_other_implied_namespaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
