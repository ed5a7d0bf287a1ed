/* The command line: options anywhere, then one or two words that name the command, then its arguments. What is wrong
 * with it costs one line and exit status 2. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/log.h"
#include "base/mem.h"
#include "commands.h"
#include "profiles.h"
#include "service/files.h"
#include "suite.h"
#include "tool.h"

#define DAYS_MAX 36500
#define DAY_US INT64_C(86400000000)

enum {
	OPT_DIR = 256,
	OPT_DOMAIN,
	OPT_PORT_OFFSET,
	OPT_DETACH,
	OPT_BEFORE,
	OPT_DAYS,
	OPT_FEDERATION,
	OPT_PROFILE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
    {"dir", required_argument, NULL, OPT_DIR},
    {"domain", required_argument, NULL, OPT_DOMAIN},
    {"port-offset", required_argument, NULL, OPT_PORT_OFFSET},
    {"detach", no_argument, NULL, OPT_DETACH},
    {"before", required_argument, NULL, OPT_BEFORE},
    {"days", required_argument, NULL, OPT_DAYS},
    {"federation", no_argument, NULL, OPT_FEDERATION},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void complain(const char *fmt, va_list ap, const char *tail)
    __attribute__((format(printf, 1, 0)));

static void
complain(const char *fmt, va_list ap, const char *tail)
{
	fputs("jackdawctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs(tail, stderr);
}

int
ctl_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap, "\n");
	va_end(ap);
	return STATUS_FAILED;
}

static int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
usage_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap, " (jackdawctl --help shows all commands)\n");
	va_end(ap);
	return STATUS_USAGE;
}

static int
print_help(void)
{
	puts("usage: jackdawctl [--dir D] COMMAND\n");
	for (const struct command *c = commands; c->noun; c++) {
		char line[128];

		snprintf(line, sizeof(line), "%s %s%s%s", c->noun, c->verb ? c->verb : "",
		    c->verb ? " " : "", c->arguments);
		printf("  %-52s %s\n", line, c->help);
	}
	puts("\n  --dir D   the folder of the suite; without it the installed one is meant\n"
	     "  Passwords come from standard input or a prompt, never from the command line.");
	return STATUS_OK;
}

static int
take_number(struct ctl *c, const char *text)
{
	uint64_t n;

	if (!str_u64(str_z(text), &n) || n > 65535 - 5347)
		return usage_error(
		    "--port-offset: %s is no number from 0 to %d", text, 65535 - 5347);
	c->port_offset = (int)n;
	c->options |= OPTION_PORT_OFFSET;
	return STATUS_OK;
}

static int
take_domain(struct ctl *c, const char *text)
{
	if (c->n_domains == DOMAINS_MAX)
		return usage_error("--domain: more than %d; add the others later", DOMAINS_MAX);
	c->domains[c->n_domains++] = text;
	c->options |= OPTION_DOMAIN;
	return STATUS_OK;
}

/* A day (it begins at midnight UTC), or a time as XEP-0082 has it. */
static int
take_before(struct ctl *c, const char *text)
{
	char time[32];

	snprintf(time, sizeof(time), "%sT00:00:00Z", text);
	if (!datetime_parse(str_z(strlen(text) == 10 ? time : text), &c->before_us))
		return usage_error(
		    "--before: %s is no time; write 2026-01-31, or 2026-01-31T12:00:00Z", text);
	c->options |= OPTION_BEFORE;
	return STATUS_OK;
}

static int
take_days(struct ctl *c, const char *text)
{
	uint64_t n;

	if (!str_u64(str_z(text), &n) || n > DAYS_MAX)
		return usage_error("--days: %s is no number from 0 to %d", text, DAYS_MAX);
	c->before_us = clock_wall_us() - (int64_t)n * DAY_US;
	c->options |= OPTION_DAYS;
	return STATUS_OK;
}

static int
take_profile(struct ctl *c, const char *text)
{
	if (!profile_exists(text))
		return usage_error("--profile: there is no %s, but %s", text, profile_names);
	c->profile = text;
	c->options |= OPTION_PROFILE;
	if (profile_federates(text))
		c->options |= OPTION_FEDERATION;
	return STATUS_OK;
}

/* Exit status, or -1 to go on. */
static int
take_option(struct ctl *c, int option, const char *word)
{
	int rc = STATUS_OK;

	switch (option) {
	case OPT_DIR:
		c->dir = optarg;
		break;
	case OPT_DOMAIN:
		rc = take_domain(c, optarg);
		break;
	case OPT_PROFILE:
		rc = take_profile(c, optarg);
		break;
	case OPT_PORT_OFFSET:
		rc = take_number(c, optarg);
		break;
	case OPT_DETACH:
		c->options |= OPTION_DETACH;
		break;
	case OPT_BEFORE:
		rc = take_before(c, optarg);
		break;
	case OPT_DAYS:
		rc = take_days(c, optarg);
		break;
	case OPT_FEDERATION:
		c->options |= OPTION_FEDERATION;
		break;
	case OPT_HELP:
		exit(print_help());
	case OPT_VERSION:
		puts("jackdawctl " JACKDAW_VERSION);
		exit(STATUS_OK);
	case ':':
		return usage_error("%s wants a value", word);
	default:
		return usage_error("there is no option %s", word);
	}
	return rc == STATUS_OK ? -1 : rc;
}

static const struct command *
find_command(int argc, char **argv)
{
	for (const struct command *c = commands; c->noun; c++) {
		if (strcmp(c->noun, argv[0]) != 0)
			continue;
		if (!c->verb || (argc > 1 && strcmp(c->verb, argv[1]) == 0))
			return c;
	}
	return NULL;
}

static int
no_such_command(int argc, char **argv)
{
	struct buf verbs = {0};
	int rc;

	for (const struct command *c = commands; c->noun; c++)
		if (c->verb && strcmp(c->noun, argv[0]) == 0)
			buf_printf(&verbs, "%s%s", buf_len(&verbs) ? ", " : "", c->verb);
	if (buf_len(&verbs) == 0)
		rc = usage_error("there is no command %s", argv[0]);
	else if (argc > 1)
		rc = usage_error(
		    "%s has no %s but %.*s", argv[0], argv[1], STR_ARG(buf_str(&verbs)));
	else
		rc = usage_error("%s what? %.*s", argv[0], STR_ARG(buf_str(&verbs)));
	buf_deinit(&verbs);
	return rc;
}

static int
run_command(struct ctl *c, int argc, char **argv)
{
	if (argc == 0)
		return usage_error("no command");
	const struct command *cmd = find_command(argc, argv);
	if (!cmd)
		return no_such_command(argc, argv);
	int words = cmd->verb ? 2 : 1;
	int n = argc - words;
	if (n < cmd->min_args || (cmd->max_args >= 0 && n > cmd->max_args))
		return usage_error("usage: jackdawctl [--dir D] %s%s%s %s", cmd->noun,
		    cmd->verb ? " " : "", cmd->verb ? cmd->verb : "", cmd->arguments);
	if (c->options & ~cmd->options)
		return usage_error("%s takes no such option", cmd->noun);
	return cmd->run(c, n, argv + words);
}

int
ctl_main(int argc, char **argv)
{
	struct ctl c = {.etc_dir = -1, .run_dir = -1, .program_folder = tool_folder()};
	int option, rc = -1;

	descriptors_fill();
	signal(SIGPIPE, SIG_IGN);
	log_set_name("jackdawctl");
	while (rc < 0 && (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1)
		rc = take_option(&c, option, argv[optind - 1]);
	if (rc < 0)
		rc = run_command(&c, argc - optind, argv + optind);
	suite_close(&c);
	free(c.program_folder);
	return rc;
}
