/* jackdawctl s2s list|queue|close|retry: what s2sd does, asked over the control sockets, so also with the router dead. */
#include <stdio.h>

#include "base/jid.h"
#include "commands.h"
#include "suite.h"

/* Columns of the answers, as s2sd/operator.c has them. */
static const char LIST_HEAD[] = "LOCAL DIR REMOTE STATE TLS ADDRESS IDLE PROVED";
static const char QUEUE_HEAD[] = "LOCAL REMOTE STANZAS BYTES STATE WHY";

static int
ask_all(struct ctl *c, const char *line, struct buf *out)
{
	const struct program *p = program_of(ROLE_S2SD);
	unsigned asked = 0;
	struct err err;

	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	if (program_instances(p, c) == 0)
		return ctl_error("there is no federation here: jackdaw.conf says s2sd = 0");
	for (unsigned i = 0; i < program_instances(p, c); i++) {
		struct control_call call = {.program = p, .instance = i, .line = line};

		if (suite_running(c, p, i) == 0)
			continue;
		if (suite_control(c, &call, out, &err) != 0)
			return ctl_error("%s", err.text);
		asked++;
	}
	return asked > 0 ? STATUS_OK : ctl_error("s2sd is not running");
}

static int
show(struct ctl *c, const char *line, const char *head)
{
	struct buf out = {0};
	int status = ask_all(c, line, &out);

	if (status == STATUS_OK)
		printf("%s\n%.*s", head, STR_ARG(buf_str(&out)));
	buf_deinit(&out);
	return status;
}

/* The answers are numbers, one a line. */
static uint64_t
sum(struct str text)
{
	uint64_t n, total = 0;
	struct str line;

	while (!str_empty(text)) {
		str_split(text, '\n', &line, &text);
		if (str_u64(line, &n))
			total += n;
	}
	return total;
}

static int
act(struct ctl *c, const char *verb, const char *domain, const char *what)
{
	char line[JID_PART_MAX + 32];
	struct buf out = {0};
	struct jid_buf buf;
	struct str name;

	if (!jid_prepare_domain(&name, &buf, str_z(domain)))
		return ctl_error("%s is no domain name", domain);
	snprintf(line, sizeof(line), "s2s %s %.*s", verb, STR_ARG(name));
	int status = ask_all(c, line, &out);
	if (status == STATUS_OK)
		printf(
		    "%.*s: %llu %s\n", STR_ARG(name), (unsigned long long)sum(buf_str(&out)), what);
	buf_deinit(&out);
	return status;
}

int
s2s_list(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(c, "s2s list", LIST_HEAD);
}

int
s2s_queue(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return show(c, "s2s queue", QUEUE_HEAD);
}

int
s2s_close(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	return act(c, "close", argv[0], "closed");
}

int
s2s_retry(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	return act(c, "retry", argv[0], "begun anew");
}
