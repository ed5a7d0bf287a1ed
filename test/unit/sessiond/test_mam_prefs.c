/* What goes into archives by domain and by the user's own preferences (XEP-0441). */
#include <stdlib.h>

#include "archive.h"
#include "scene.h"

static void
test_a_domain_of_its_own(void **state)
{
	static const struct archive_domain domains[] = {{"h", 1 + ARCHIVE_OFF, SWITCH_DEFAULT}};
	struct scene *s = scene_with_archives();

	(void)state;
	s->settings.archive_domains.n = 1;
	s->settings.archive_domains.v = (void *)(uintptr_t)domains;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='abc@far/x' type='chat'><body>hi</body></message>");
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

#define PREFS(default_, always, never)                                           \
	"<iq type='set' id='p'><prefs xmlns='urn:xmpp:mam:2' default='" default_ \
	"'><always>" always "</always><never>" never "</never></prefs></iq>"

static void
test_preferences_hold_after_a_restart_of_the_account(void **state)
{
	struct scene *s = scene_with_archives();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<iq type='get' id='p'><prefs xmlns='urn:xmpp:mam:2'/></iq>");
	assert_true(
	    has(s, "<prefs xmlns='urn:xmpp:mam:2' default='always'><always/><never/></prefs>"));
	says(s, "romeo/orchard", PREFS("never", "<jid>abc@far</jid>", "<jid>abc@far/y</jid>"));
	assert_true(has(s,
	    "<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>abc@far</jid></always>"
	    "<never><jid>abc@far/y</jid></never></prefs>"));
	for (int round = 0; round < 2; round++) {
		s->n_rows = 0;
		says(s, "romeo/orchard",
		    "<message to='abc@far/x' type='chat'><body>hi</body></message>");
		assert_int_equal(s->n_rows, 1);
		says(s, "romeo/orchard",
		    "<message to='abc@far/y' type='chat'><body>hi</body></message>");
		says(s, "romeo/orchard",
		    "<message to='xyz@far' type='chat'><body>hi</body></message>");
		assert_int_equal(s->n_rows, 1);
		free(s->rows[0].owner);
		free(s->rows[0].st);
		s->n_rows = 0;
		leaves(s, "romeo/orchard");
		s->settings.accounts_cached = 0;
		accounts_trim(&s->sd, UINT64_MAX);
		s->settings.accounts_cached = 100;
		login(s, "romeo/orchard");
	}
	scene_free(s);
}

/* What is said of the suite holds for a domain whose section says nothing of it. */
static void
test_a_domain_that_says_nothing_is_as_all(void **state)
{
	static const struct archive_domain domains[] = {{"h", 0, SWITCH_DEFAULT}};
	struct scene *s = scene_with_archives();

	(void)state;
	s->settings.archive = ARCHIVE_OFF;
	s->settings.archive_domains.n = 1;
	s->settings.archive_domains.v = (void *)(uintptr_t)domains;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", "<message to='abc@far/x' type='chat'><body>hi</body></message>");
	assert_int_equal(s->n_rows, 0);
	scene_free(s);
}

static void
test_preferences_where_the_operator_decides(void **state)
{
	static const struct archive_domain domains[] = {{"h", 0, SWITCH_OFF}};
	struct scene *s = scene_with_archives();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", PREFS("never", "", ""));
	assert_true(has(s, "default='never'"));
	s->settings.archive_domains.n = 1;
	s->settings.archive_domains.v = (void *)(uintptr_t)domains;
	forget(s);
	says(s, "romeo/orchard", PREFS("roster", "", ""));
	assert_true(has(s, "[not-allowed]"));
	says(s, "romeo/orchard", "<message to='abc@far/x' type='chat'><body>hi</body></message>");
	assert_int_equal(s->n_rows, 1);
	scene_free(s);
}

static void
test_wrong_preferences(void **state)
{
	struct scene *s = scene_with_archives();

	(void)state;
	login(s, "romeo/orchard");
	says(s, "romeo/orchard", PREFS("sometimes", "", ""));
	assert_true(has(s, "[bad-request]"));
	forget(s);
	says(s, "romeo/orchard", PREFS("never", "<jid>@@</jid>", ""));
	assert_true(has(s, "[bad-request]"));
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_domain_of_its_own),
	    cmocka_unit_test(test_preferences_hold_after_a_restart_of_the_account),
	    cmocka_unit_test(test_a_domain_that_says_nothing_is_as_all),
	    cmocka_unit_test(test_preferences_where_the_operator_decides),
	    cmocka_unit_test(test_wrong_preferences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
