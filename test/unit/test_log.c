/* log: the form of a line, escapes, and that a full pipe costs lines but no time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static int saved_stderr, pipe_r;

static void
pipe_open(void)
{
	int p[2];
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	pipe_r = p[0];
	fcntl(pipe_r, F_SETFL, O_NONBLOCK);
}

static void
pipe_close(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(pipe_r);
}

static size_t
pipe_read(char *out, size_t cap)
{
	ssize_t n = read(pipe_r, out, cap - 1);
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void
test_line(void **state)
{
	(void)state;
	char line[8192];
	log_set_name("c2sd.0");
	pipe_open();
	log_write(LOG_INFO, "a1b2", "user %s", "juliet");
	pipe_read(line, sizeof(line));
	assert_string_equal(line + 24, " c2sd.0 info [a1b2] user juliet\n");
	log_warn("no id");
	pipe_read(line, sizeof(line));
	assert_string_equal(line + 24, " c2sd.0 warn no id\n");
	log_debug("not shown");
	assert_int_equal(pipe_read(line, sizeof(line)), 0);
	pipe_close();
}

static void
test_escapes(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"plain \xC3\xA9 \xF0\x9F\x98\x80", "plain \xC3\xA9 \xF0\x9F\x98\x80"},
	    {"two\nlines\r", "two\\nlines\\x0D"},
	    {"\x1B[31mred\x7F", "\\x1B[31mred\\x7F"},
	    {"\tback\\slash", "\\x09back\\\\slash"},
	    {"bad \xFF \xC0\xAF \xED\xA0\x80", "bad \\xFF \\xC0\\xAF \\xED\\xA0\\x80"},
	    {"cut \xE2\x82", "cut \\xE2\\x82"},
	    {"c1 \xC2\x9B nbsp \xC2\xA0", "c1 \\xC2\\x9B nbsp \xC2\xA0"},
	    {"rlo \xE2\x80\xAE ps \xE2\x80\xA9", "rlo \\xE2\\x80\\xAE ps \\xE2\\x80\\xA9"},
	};
	char out[256];
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = log_escape(out, sizeof(out), str_z(cases[i].in));
		assert_string_equal(out, cases[i].out);
		assert_int_equal(n, strlen(out));
	}
	assert_int_equal(log_escape(out, 4, S("ab\n")), 2);
	assert_int_equal(log_escape(out, 4, S("ab\xC3\xA9")), 2);
	assert_int_equal(log_escape(out, 1, S("ab")), 0);
}

static void
test_long_line_is_cut(void **state)
{
	(void)state;
	char *text = mem_new(100001), line[8192];
	memset(text, '\n', 100000);
	pipe_open();
	log_error("%s", text);
	size_t n = pipe_read(line, sizeof(line));
	assert_true(n > 4000 && n <= 4096);
	assert_int_equal(line[n - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	pipe_close();
	free(text);
}

static void
test_full_pipe_drops(void **state)
{
	(void)state;
	char text[1000], line[4096];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pipe_open();
	uint64_t start = clock_mono_ms(), dropped = log_dropped();
	for (int i = 0; i < 1000; i++)
		log_info("%s", text);
	assert_true(clock_mono_ms() - start < 2000);
	assert_true(log_dropped() > dropped);
	while (pipe_read(line, sizeof(line)) > 0)
		continue;
	log_info("after");
	pipe_read(line, sizeof(line));
	assert_non_null(strstr(line, "log lines dropped"));
	assert_non_null(strstr(line, "info after\n"));
	log_info("again");
	pipe_read(line, sizeof(line));
	assert_null(strstr(line, "dropped"));
	pipe_close();
}

static void
test_no_reader(void **state)
{
	(void)state;
	uint64_t dropped = log_dropped();
	pipe_open();
	close(pipe_r);
	log_info("to nobody"); /* no SIGPIPE */
	pipe_r = -1;
	pipe_close();
	assert_true(log_dropped() > dropped);
}

static void
test_levels_and_traces(void **state)
{
	(void)state;
	enum log_level level = LOG_WARN;
	assert_true(log_level_parse(S("debug"), &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_false(log_level_parse(S("loud"), &level));
	assert_int_equal(level, LOG_DEBUG);
	log_set_level(LOG_ERROR);
	assert_int_equal(log_get_level(), LOG_ERROR);
	log_set_level(LOG_INFO);
	assert_false(log_trace_on("bus"));
	log_trace_enable("bus");
	log_trace_enable("bus");
	assert_true(log_trace_on("bus"));
	assert_false(log_trace_on("xml"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_line),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_long_line_is_cut),
	    cmocka_unit_test(test_full_pipe_drops),
	    cmocka_unit_test(test_no_reader),
	    cmocka_unit_test(test_levels_and_traces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
