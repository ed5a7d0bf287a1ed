/* ctl/line.c: log lines on their way to file and screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "line.h"

#define STAMP "2026-11-20T18:00:00.123Z"

static void
check(void (*fn)(struct buf *, struct str, const char *, const char *), const char *line,
    const char *shown)
{
	struct buf b = {0};

	fn(&b, str_z(line), "c2sd.0", "2026-11-20T19:00:00.456Z");
	buf_add_c(&b, '\0');
	assert_string_equal(buf_str(&b).p, shown);
	buf_deinit(&b);
}

static void
test_own_lines_stay_as_they_are(void **state)
{
	(void)state;
	check(line_for_file, STAMP " c2sd.0 info [a1b2] text \\x1B",
	    STAMP " c2sd.0 info [a1b2] text \\x1B");
	check(line_for_screen, STAMP " c2sd.0 info [a1b2] text",
	    "18:00:00.123 c2sd.0      info  [a1b2] text");
}

static void
test_other_lines_get_a_head(void **state)
{
	(void)state;
	check(line_for_file, "==1==ERROR: sanitizer",
	    "2026-11-20T19:00:00.456Z c2sd.0 - ==1==ERROR: sanitizer");
	check(line_for_screen, "Aborted", "19:00:00.456 c2sd.0      -     Aborted");
}

static void
test_no_daemon_speaks_for_another(void **state)
{
	(void)state;
	check(line_for_file, STAMP " authd.0 info all is well",
	    "2026-11-20T19:00:00.456Z c2sd.0 - " STAMP " authd.0 info all is well");
}

static void
test_control_characters_are_escaped(void **state)
{
	(void)state;
	check(line_for_screen,
	    STAMP " c2sd.0 warn a\033[31mb\rc\177d\300\200e\302\205f\tg h\303\251",
	    "18:00:00.123 c2sd.0      warn  a\\x1b[31mb\\x0dc\\x7fd\\xc0\\x80e\\xc2\\x85f g h\303\251");
	check(line_for_screen, STAMP " c2sd.0 info a\342\200\256b",
	    "18:00:00.123 c2sd.0      info  a\\xe2\\x80\\xaeb");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_own_lines_stay_as_they_are),
	    cmocka_unit_test(test_other_lines_get_a_head),
	    cmocka_unit_test(test_no_daemon_speaks_for_another),
	    cmocka_unit_test(test_control_characters_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
