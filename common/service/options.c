/* The command line that all daemons share. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "service/skeleton.h"

enum {
	OPT_DIR = 256,
	OPT_INSTANCE,
	OPT_SELF_TEST,
	OPT_SAMPLE,
	OPT_SAMPLE_SUITE,
	OPT_MAN,
	OPT_MAN_SUITE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option LONG[] = {
    {"dir", required_argument, NULL, OPT_DIR},
    {"instance", required_argument, NULL, OPT_INSTANCE},
    {"self-test", no_argument, NULL, OPT_SELF_TEST},
    {"sample", no_argument, NULL, OPT_SAMPLE},
    {"sample-suite", no_argument, NULL, OPT_SAMPLE_SUITE},
    {"man", no_argument, NULL, OPT_MAN},
    {"man-suite", no_argument, NULL, OPT_MAN_SUITE},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void
print_help(const struct service *s, FILE *to)
{
	fprintf(to,
	    "%s: %s\n"
	    "usage: %s [-n | -nn | -L | -F] [-T subsystem] [--dir D] [--instance N] [--self-test]\n"
	    "  -n           check the settings and stop\n"
	    "  -nn          print the settings in effect and stop\n"
	    "  -L           print the listening addresses and stop\n"
	    "  -F           print the files that the settings name and a reload brings, and stop\n"
	    "  -T NAME      trace a subsystem (bus, xml, tls) to the log\n"
	    "  --dir D      the suite's folder; without it the installed paths\n"
	    "  --instance N number of this process among those of its kind\n"
	    "  --self-test  try what the sandbox forbids, and stop\n",
	    s->name, s->summary, s->name);
}

static _Noreturn void
usage_error(const struct service *s)
{
	print_help(s, stderr);
	exit(2);
}

static unsigned
parse_instance(const struct service *s, const char *text)
{
	uint64_t v;

	if (!str_u64(str_z(text), &v) || v > 255) {
		fprintf(stderr, "%s: --instance takes a number from 0 to 255\n", s->name);
		exit(2);
	}
	return (unsigned)v;
}

static void
option_one(const struct service *s, struct options *o, int c)
{
	switch (c) {
	case 'n':
		o->mode = o->mode == MODE_CHECK ? MODE_PRINT : MODE_CHECK;
		return;
	case 'L':
		o->mode = MODE_LISTENERS;
		return;
	case 'F':
		o->mode = MODE_FILES;
		return;
	case 'T':
		log_trace_enable(optarg);
		return;
	case OPT_DIR:
		o->dir = optarg;
		return;
	case OPT_INSTANCE:
		o->instance = parse_instance(s, optarg);
		return;
	case OPT_SELF_TEST:
		o->mode = MODE_SELF_TEST;
		return;
	case OPT_SAMPLE:
	case OPT_SAMPLE_SUITE:
	case OPT_MAN:
	case OPT_MAN_SUITE:
		o->mode = MODE_SAMPLE + (enum options_mode)(c - OPT_SAMPLE);
		return;
	case OPT_HELP:
		print_help(s, stdout);
		exit(0);
	case OPT_VERSION:
		printf("%s %s\n", s->name, JACKDAW_VERSION);
		exit(0);
	default:
		usage_error(s);
	}
}

void
options_parse(const struct service *s, int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.dir = NULL};
	while ((c = getopt_long(argc, argv, "nLFT:", LONG, NULL)) != -1)
		option_one(s, o, c);
	if (optind != argc)
		usage_error(s);
	if (o->dir && o->dir[0] != '/') {
		o->dir = realpath(o->dir, NULL);
		if (!o->dir) {
			fprintf(stderr, "%s: --dir: there is no such folder\n", s->name);
			exit(1);
		}
	}
}
