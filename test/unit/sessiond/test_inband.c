/* XEP-0077 within a session; what the server says of itself: XEP-0092, 0115, 0157. */
#include <stdio.h>

#include "caps.h"
#include "scene.h"

#define REGISTER "xmlns='jabber:iq:register'"
#define SEALED "<sealed xmlns='urn:jackdaw:seal'>c2VjcmV0</sealed>" /* "secret" */

static struct scene *
asks(const char *to, const char *type, const char *inner)
{
	struct scene *s = scene_new();
	char text[512];

	login(s, "romeo/orchard");
	snprintf(text, sizeof(text), "<iq id='r' type='%s'%s><query " REGISTER ">%s</query></iq>",
	    type, to, inner);
	says(s, "romeo/orchard", text);
	return s;
}

static void
test_form(void **state)
{
	struct scene *s = asks(" to='h'", "get", "");

	(void)state;
	expect(s,
	    "romeo/orchard: <iq from='h' to='romeo@h/orchard' id='r' type='result'><query " REGISTER
	    "><registered/><username>romeo</username><password/></query></iq>\n");
	remote_says(
	    s, "<iq from='a@remote.example/x' to='h' id='r' type='get'><query " REGISTER "/></iq>");
	assert_true(has(s, "[service-unavailable]"));
	scene_free(s);
}

static void
test_password(void **state)
{
	static const char *const to[] = {" to='h'", "", " to='romeo@h'"};

	(void)state;
	for (unsigned i = 0; i < COUNT(to); i++) {
		struct scene *s = asks(to[i], "set", "<username>Romeo</username>" SEALED);

		assert_true(has(s, "authd PASSWORD_SET romeo@h \"secret\" of edge 1000\n"));
		assert_true(has(s, "type='result'/>"));
		scene_free(s);
	}
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *inner, *error;
	} cases[] = {
	    {"<username>romeo</username><password>clear</password>", "not-allowed"},
	    {"<username>romeo</username><password>clear</password>" SEALED, "not-allowed"},
	    {"<username>juliet</username>" SEALED, "not-allowed"},
	    {"<username>romeo</username><sealed xmlns='urn:jackdaw:seal'>!</sealed>", "bad-request"},
	    {"<username>romeo</username>", "bad-request"},
	    {SEALED, "bad-request"},
	    {"", "bad-request"},
	    {"<remove/><username>romeo</username>", "bad-request"},
	};
	char text[64];

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct scene *s = asks(" to='h'", "set", cases[i].inner);

		snprintf(text, sizeof(text), "[%s]", cases[i].error);
		if (!has(s, text) || has(s, "authd"))
			fail_msg("%s", cases[i].inner);
		scene_free(s);
	}
}

/* REQUIREMENTS P-17: where accounts cannot be written. */
static void
test_authd_refuses(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	s->refuse_account = BUS_ERROR_FORBIDDEN;
	says(s, "romeo/orchard",
	    "<iq id='r' type='set'><query " REGISTER "><username>romeo</username>" SEALED
	    "</query></iq>");
	assert_true(has(s, "[not-allowed]"));
	forget(s);
	s->settings.password_change = s->settings.account_removal = false;
	says(s, "romeo/orchard",
	    "<iq id='r' type='set'><query " REGISTER "><username>romeo</username>" SEALED
	    "</query></iq>");
	says(s, "romeo/orchard", "<iq id='r' type='set'><query " REGISTER "><remove/></query></iq>");
	assert_false(has(s, "authd"));
	assert_true(has(s, "[not-allowed]"));
	scene_free(s);
}

static void
test_removal(void **state)
{
	struct scene *s = asks("", "set", "<remove/>");

	(void)state;
	expect(s,
	    "authd USER_REMOVE_SELF romeo@h\n"
	    "romeo/orchard: <iq from='romeo@h' to='romeo@h/orchard' id='r' type='result'/>\n");
	scene_free(s);
}

static void
test_of_somebody_else(void **state)
{
	struct scene *s = asks(" to='juliet@h'", "set", "<remove/>");

	(void)state;
	expect(s,
	    "romeo/orchard: <iq from='juliet@h' to='romeo@h/orchard' id='r' type='error'>[service-unavailable]</iq>\n");
	scene_free(s);
}

/* ---- what the server is ---- */

static const char *const abuse[] = {"mailto:b@example.org", "mailto:a@example.org"};

/* XEP-0115 §5.1: sorted, without doubles, and the same as disco#info says. */
static void
test_caps(void **state)
{
	struct scene *s = scene_new();
	struct features list;
	struct buf caps = {0};
	char text[256];

	(void)state;
	s->settings.contact_abuse = (struct setting_strings){.v = abuse, .n = 2};
	caps_server_features(&list, &s->sd);
	for (unsigned i = 1; i < list.n; i++)
		assert_true(str_cmp(list.v[i - 1], list.v[i]) < 0);
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq id='d' type='get' to='h'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:jackdaw#x'/></iq>");
	assert_true(has(s, "node='urn:jackdaw#x'"));
	for (unsigned i = 0; i < list.n; i++) {
		snprintf(text, sizeof(text), "<feature var='%.*s'/>", STR_ARG(list.v[i]));
		assert_true(has(s, text));
	}
	assert_true(has(s,
	    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
	    "<value>http://jabber.org/network/serverinfo</value></field><field var='abuse-addresses' type='list-multi'>"
	    "<value>mailto:b@example.org</value><value>mailto:a@example.org</value></field></x>"));
	caps_string(&caps, &s->sd);
	buf_add_c(&caps, '\0');
	assert_true(
	    strstr((char *)caps.data, "server/im//Jackdaw<http://jabber.org/protocol/caps<"));
	assert_true(strstr((char *)caps.data,
	    "http://jabber.org/network/serverinfo<abuse-addresses<mailto:a@example.org<mailto:b@example.org<"));
	buf_deinit(&caps);
	scene_free(s);
}

static void
test_edges_are_told(void **state)
{
	struct scene *s = scene_new_closed();
	struct sent *f;
	bool was_told = false;

	(void)state;
	while ((f = sent_take(&s->bus)))
		if (f->message->type == MSG_FEATURES) {
			const struct msg_FEATURES *m = f->msg;

			was_told = f->to.role == ROLE_C2SD && str_is(m->node, CAPS_NODE) &&
			    str_starts(m->caps, S("server/im//"));
		}
	assert_true(was_told);
	scene_free(s);
}

static void
test_version(void **state)
{
	struct scene *s = scene_new();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard",
	    "<iq id='v' type='get' to='h'><query xmlns='jabber:iq:version'/></iq>");
	assert_true(has(s, "<version>" JACKDAW_VERSION "</version>"));
	forget(s);
	s->settings.tell_version = false;
	says(s, "romeo/orchard",
	    "<iq id='v' type='get' to='h'><query xmlns='jabber:iq:version'/></iq>");
	assert_true(has(s, "<name>Jackdaw</name><version/>"));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_form),
	    cmocka_unit_test(test_password),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_authd_refuses),
	    cmocka_unit_test(test_removal),
	    cmocka_unit_test(test_of_somebody_else),
	    cmocka_unit_test(test_caps),
	    cmocka_unit_test(test_edges_are_told),
	    cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
