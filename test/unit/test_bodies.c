/* The text of a message without a parser is what the parser sees (INV-4), and any other bytes are no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "xml/bodies.h"
#include "xml/tree.h"
#include "xml_rig.h"

/* As the tree has it. */
static void
by_tree(struct buf *out, struct str payload)
{
	struct arena a = {0};
	const struct xml_node *n = xml_tree_parse(&a, payload, S("jabber:client"));

	for (; n; n = n->next)
		if (str_is(n->name, "body") && str_is(n->ns, "jabber:client") &&
		    !str_ends(n->slice, S("/>"))) {
			buf_add_str(out, n->text);
			buf_add_c(out, ' ');
		}
	arena_deinit(&a);
}

static const struct {
	const char *in, *text;
} cases[] = {
    {"", ""},
    {"text", ""},
    {"<body>hi</body>", "hi "},
    {"<body/>", ""},
    {"<body></body>", ""},
    {"<body xml:lang='en'>one</body><subject>no</subject><body xml:lang='de'>zwei</body>",
	"one zwei "},
    {"<body>a &lt;body&gt; &amp;amp; b&#13;&apos;&quot;</body>", "a <body> &amp; b\r'\" "},
    {"<body>a<em>not this</em>b</body>", "ab "},
    {"<body>a<body>nor this</body>b</body>c", "ab "},
    {"<body a='>' b='/>' c='&lt;/body&gt;'>hi</body>", "hi "},
    {"<body xmlns:q='urn:q' q:a='xmlns='>hi</body>", "hi "},
    {"<body xmlns='urn:x'>no</body>", ""},
    {"<x:body xmlns:x='urn:x'>no</x:body>", ""},
    {"<x:body xmlns:x='jabber:client'>yes</x:body>", "yes "},
    {"<html xmlns='urn:x'><body>no</body></html><body>yes</body>", "yes "},
    {"<bodyguard>no</bodyguard><body\n>yes</body\n>", "yes "},
    {"<body><![CDATA[<body>&amp;]]></body>", "<body>&amp; "},
    {"<x xmlns='urn:x'><body xmlns='jabber:client'>no</body></x>", ""},
};

static void
test_inv_04_the_same_as_the_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *payload = xml_rig_payload_of("jabber:client", str_z(cases[i].in));
		struct buf ours = {0}, tree = {0};

		xml_bodies(&ours, str_z(payload));
		by_tree(&tree, str_z(payload));
		assert_true(str_is(buf_str(&ours), cases[i].text));
		assert_true(str_eq(buf_str(&ours), buf_str(&tree)));
		buf_deinit(&ours);
		buf_deinit(&tree);
		free(payload);
	}
}

/* What no edge of ours writes: each beginning of it, from a block of just its size, so that a look behind its end is seen. */
static void
test_any_bytes(void **state)
{
	static const char *const odd[] = {"</body></body><body>x", "<body><body", "<body>&",
	    "<body>&am", "<", "<>", "</>", "<body", "body>x</body>",
	    "<body>a</x></y><body>b</body>", "<body><![CDATA[<",
	    "<!DOCTYPE a [<!ENTITY b 'c'>]><body>&b;</body>", "&amp;<body>&&lt;</body>"};

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++)
		for (size_t n = 0; n <= strlen(odd[i]); n++) {
			char *block = mem_dup(odd[i], n ? n : 1);
			struct buf out = {0};

			xml_bodies(&out, str_of(block, n));
			assert_true(buf_len(&out) <= n);
			buf_deinit(&out);
			free(block);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_04_the_same_as_the_tree),
	    cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
