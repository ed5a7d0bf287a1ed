/* Fields of archive queries beyond those of XEP-0313 (test_mam.c): words, include-groupchat. */
#include <stdio.h>

#include "archive.h"
#include "scene.h"

#define QUERY(fields)                                                                  \
	"<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'>"                         \
	"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>" \
	"<value>urn:xmpp:mam:2</value></field>" fields "</x></query></iq>"

/* XEP-0431 */
static void
test_search_where_storaged_has_it(void **state)
{
	static const char *const fields[] = {"{urn:xmpp:fulltext:0}fulltext", "withtext"};
	struct scene *s = scene_with_archives();
	char query[512];

	(void)state;
	buf_add_z(&s->sd.searchable, "other\nh\n");
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq type='get' id='d' to='romeo@h'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
	assert_true(has(s, "<feature var='urn:xmpp:fulltext:0'/>"));
	forget(s);
	says(s, "romeo/orchard", "<iq type='get' id='f'><query xmlns='urn:xmpp:mam:2'/></iq>");
	says(s, "romeo/orchard", "<message to='abc@far' type='chat'><body>one</body></message>");
	says(s, "romeo/orchard", "<message to='abc@far' type='chat'><body>two</body></message>");
	for (unsigned i = 0; i < COUNT(fields); i++) {
		snprintf(query, sizeof(query), "<field type='text-single' var='%s'/>", fields[i]);
		assert_true(has(s, query));
	}
	for (unsigned i = 0; i < COUNT(fields); i++) {
		forget(s);
		snprintf(query, sizeof(query), QUERY("<field var='%s'><value>two</value></field>"),
		    fields[i]);
		says(s, "romeo/orchard", query);
		assert_true(has(s, "<body>two</body>"));
		assert_false(has(s, "<body>one</body>"));
		/* the scene's storaged has not looked everywhere */
		assert_true(has(s, "stable='false'"));
	}
	scene_free(s);
}

static void
test_include_groupchat_changes_nothing(void **state)
{
	struct scene *s = scene_with_archives();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='abc@far' type='chat'><body>one</body></message>");
	forget(s);
	says(s, "romeo/orchard",
	    QUERY("<field var='include-groupchat'><value>true</value></field>"));
	assert_true(has(s, "<body>one</body>"));
	assert_true(has(s, "complete='true'"));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_search_where_storaged_has_it),
	    cmocka_unit_test(test_include_groupchat_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
