/* swarm: clients in pairs that write to each other at a steady pace and keep books, while somebody kills the server's
 * daemons. test/faults/run starts it and talks to it in lines:
 *
 *   swarm  ready                 all clients are there, and messages begin to flow
 *   run    fault NAME            something is about to happen
 *   swarm  {"fault": NAME, …}    all are back, or are not within `patience` seconds: the longest pause of a receiver, the time until
 *                                all were back, and the violations so far
 *   run    churn                 1/20 of the clients lose their connections
 *   run    end                   no more messages; the archives are read, the books closed
 *   swarm  {"end": true, …}      and it exits, 1 if a rule was broken
 *
 * Owns the loop and the counts; what a client does is in member.c, what is right in ledger.c. */
#include "swarm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 512
#define MS 1000000ULL
#define SECOND (1000 * MS)
#define READY_SECONDS 300
#define CALM_MS 1000 /* so long must all be well for a fault to be over */
#define LATE_MS 1000 /* a message on the way for so long is not well */

struct swarm swarm = {.patience = 60,
    .load.o = {.host = "127.0.0.1",
	.domain = "localhost",
	.mechanism = "SCRAM-SHA-1",
	.password = "bench-password",
	.mode = "swarm",
	.priority = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519",
	.sessions = 100,
	.logins = 100,
	.sources = 1,
	.rate = 200,
	.sm = true,
	.resume = true}};

/* ---- what the connections call (load.h) ---- */

void
load_lacks(const char *what)
{
	die("the server lacks %s", what);
}

void
load_ready(struct client *c)
{
	c->load->mode->ready(c);
}

void
load_closed(struct client *c)
{
	c->load->mode->closed(c);
}

/* ---- the loop ---- */

static void
talk(uint64_t now)
{
	uint64_t step = (uint64_t)(1e9 / swarm.load.o.rate);

	for (; swarm.talking && swarm.next_due_ns <= now; swarm.next_due_ns += step) {
		struct member *m = &swarm.members[swarm.scheduled++ % swarm.load.o.sessions];
		if (member_is_ready(m) && (!m->turn_ns || m->turn_ns > now))
			member_talk(m, swarm.next_due_ns);
	}
}

static void
count_logins(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < swarm.load.o.sessions; i++) {
		enum client_state s = swarm.load.clients[i].state;
		n += s != CLIENT_NONE && s != CLIENT_READY && s != CLIENT_CLOSING;
	}
	swarm.load.logging_in = n;
}

static void command(const char *line);

static void
read_commands(void)
{
	static char text[256];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, text + len, sizeof text - 1 - len);
	char *end;

	if (n <= 0)
		die("the runner is gone");
	len += (size_t)n;
	text[len] = '\0';
	while ((end = strchr(text, '\n'))) {
		*end = '\0';
		command(text);
		len -= (size_t)(end + 1 - text);
		memmove(text, end + 1, len + 1);
	}
}

static void
turn(void)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(swarm.load.epoll, events, EVENTS, 2);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			client_event(events[i].data.ptr, events[i].events);
		else
			read_commands();
	}
	uint64_t now = clock_now_ns();
	count_logins();
	for (unsigned i = 0; i < swarm.load.o.sessions; i++) {
		unsigned before = swarm.load.clients[i].state == CLIENT_NONE;
		member_turn(&swarm.members[i], now);
		swarm.load.logging_in += before && swarm.load.clients[i].state != CLIENT_NONE;
	}
	talk(now);
	load_flush(&swarm.load);
}

/* ---- what there is to wait for ---- */

static bool
all_are_back(void)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++)
		if (!member_is_ready(&swarm.members[i]) && !swarm.members[i].turn_ns)
			return false;
	return true;
}

/* Messages to those who sleep wait for them; to those who only just woke, a little. */
static bool
is_late(struct member *m, uint64_t now, uint64_t late_ns)
{
	struct member *to = peer_of(m);
	uint64_t oldest = ledger_oldest_ns(&m->ledger);

	if (!oldest || (swarm.talking && (to->asleep || now < to->awake_ns + late_ns)))
		return false;
	return member_is_ready(m) && now > oldest && now - oldest > late_ns;
}

static bool
none_is_late(uint64_t now, uint64_t late_ns)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++)
		if (is_late(&swarm.members[i], now, late_ns))
			return false;
	return true;
}

static void
show_late(unsigned i)
{
	const struct member *to = peer_of(&swarm.members[i]);
	const struct client *c = client_of(to);

	fprintf(stderr, "swarm: a message of u%06u is late: its receiver is in state %d, %s%s%s\n",
	    i, c->state, c->fd < 0 ? "not connected" : "connected", to->asleep ? ", asleep" : "",
	    to->retry_ns ? ", to try again" : "");
}

/* Whom all wait for, in vain. */
static void
show_who_is_missing(uint64_t now)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++) {
		struct member *m = &swarm.members[i];
		if (!member_is_ready(m) && !m->turn_ns)
			fprintf(stderr, "swarm: u%06u is not back: state %d\n", i,
			    swarm.load.clients[i].state);
		else if (is_late(m, now, LATE_MS * MS))
			show_late(i);
	}
}

static void
print_violations(void)
{
	const struct violations *v = &swarm.violations;

	printf("\"violations\": %llu, \"lost\": %llu, \"repeated\": %llu, \"disordered\": %llu, "
	       "\"unfiled\": %llu, \"refiled\": %llu, \"misfiled\": %llu, \"undelivered\": %llu, "
	       "\"unfinished\": %u, \"sessions_lost\": %llu, "
	       "\"bounces\": %llu, \"drops\": %llu}\n",
	    (unsigned long long)violations_total(v), (unsigned long long)v->lost,
	    (unsigned long long)v->repeated, (unsigned long long)v->disordered,
	    (unsigned long long)v->unfiled, (unsigned long long)v->refiled,
	    (unsigned long long)v->misfiled, (unsigned long long)v->undelivered, swarm.unfinished,
	    (unsigned long long)swarm.sessions_lost, (unsigned long long)swarm.bounces,
	    (unsigned long long)swarm.drops);
	fflush(stdout);
}

static void
look_at_fault(void)
{
	uint64_t now = clock_now_ns();
	bool over = now > swarm.until_ns;

	if (!all_are_back() || !none_is_late(now, LATE_MS * MS))
		swarm.bad_ns = now;
	if (now - swarm.bad_ns < CALM_MS * MS && !over)
		return;
	if (over)
		show_who_is_missing(now);
	printf(
	    "{\"fault\": \"%s\", \"is_back\": %s, \"pause\": %.3f, \"back\": %.3f, \"resumed\": %u, ",
	    swarm.fault, over ? "false" : "true", (double)swarm.pause_ns / 1e9,
	    (double)(swarm.bad_ns - swarm.fault_ns) / 1e9, swarm.resumed);
	print_violations();
	swarm.fault[0] = '\0';
}

static void
churn(void)
{
	static unsigned next;
	unsigned n = swarm.load.o.sessions;

	for (unsigned i = 0; i < (n + 19) / 20; i++)
		client_drop(&swarm.load.clients[next++ % n]);
}

static void
command(const char *line)
{
	if (strncmp(line, "fault ", 6) == 0) {
		snprintf(swarm.fault, sizeof swarm.fault, "%.60s", line + 6);
		swarm.fault_ns = swarm.bad_ns = clock_now_ns();
		swarm.until_ns = swarm.fault_ns + swarm.patience * SECOND;
		swarm.pause_ns = swarm.resumed = 0;
		for (unsigned i = 0; i < swarm.load.o.sessions; i++)
			member_fault(&swarm.members[i], swarm.fault_ns);
	} else if (strcmp(line, "churn") == 0) {
		churn();
	} else if (strcmp(line, "end") == 0) {
		swarm.talking = false;
	} else {
		die("what is %s", line);
	}
}

/* ---- begin and end ---- */

/* What has not come by then does not come: at the end that is as bad as what is lost. */
static void
wait_until(bool (*done)(void), unsigned seconds, const char *what)
{
	uint64_t end = clock_now_ns() + seconds * SECOND;

	while (!done()) {
		turn();
		if (clock_now_ns() > end) {
			fprintf(stderr, "swarm: %s: not within %u s\n", what, seconds);
			swarm.unfinished++;
			return;
		}
	}
}

static bool
all_are_ready(void)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++)
		if (!member_is_ready(&swarm.members[i]))
			return false;
	return true;
}

static bool
all_is_settled(void)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++)
		if (!member_is_ready(&swarm.members[i]) || swarm.members[i].kept_n > 0 ||
		    ledger_oldest_ns(&swarm.members[i].ledger))
			return false;
	return true;
}

static bool
all_is_read(void)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++)
		if (swarm.members[i].archive && !swarm.members[i].filed)
			return false;
	return true;
}

/* Nothing more is said, so nothing more is asked. */
static void
ask_all(void)
{
	for (unsigned i = 0; i < swarm.load.o.sessions; i++)
		if (member_is_ready(&swarm.members[i]) && swarm.members[i].kept_n > 0)
			client_send(&swarm.load.clients[i], "<r xmlns='urn:xmpp:sm:3'/>");
}

static int
close_books(void)
{
	unsigned n = swarm.load.o.sessions;
	size_t messages = 0, acked = 0;

	for (unsigned i = 0; i < n; i++)
		if (swarm.members[i].asleep)
			member_wake(&swarm.members[i]);
	wait_until(all_are_ready, swarm.patience, "all clients there");
	ask_all();
	wait_until(all_is_settled, swarm.patience, "everything settled");
	for (unsigned i = 0; i < n; i++)
		if (swarm.members[i].archive)
			member_read_archive(&swarm.members[i]);
	wait_until(all_is_read, 5 * swarm.patience, "every archive read");
	for (unsigned i = 0; i < n; i++) {
		const struct ledger *l = &swarm.members[i].ledger;
		ledger_close(l, swarm.load.clients[i].index, peer_of(&swarm.members[i])->archive,
		    &swarm.violations);
		messages += l->n;
		for (size_t k = 0; k < l->n; k++)
			acked += l->entries[k].acked;
	}
	printf("{\"end\": true, \"messages\": %zu, \"acknowledged\": %zu, ", messages, acked);
	print_violations();
	return violations_total(&swarm.violations) > 0;
}

static void
prepare(void)
{
	struct load *l = &swarm.load;
	struct epoll_event e = {EPOLLIN, {.ptr = NULL}};

	l->mode = &member_mode;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->clients = calloc(l->o.sessions, sizeof *l->clients);
	l->dirty = calloc(2 * l->o.sessions, sizeof(struct client *));
	swarm.members = calloc(l->o.sessions, sizeof *swarm.members);
	if (l->epoll < 0 || !l->clients || !l->dirty || !swarm.members ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) != 0)
		die("cannot start: %s", strerror(errno));
	unsigned every = swarm.sleepers > 0 ? (unsigned)(1 / swarm.sleepers) : 0;
	for (unsigned i = 0; i < l->o.sessions; i++) {
		struct member *m = &swarm.members[i];
		client_init(&l->clients[i], l, i);
		m->is_new = true;
		m->retry_ns = 1;
		m->archive = i / 2 % 2 == 0;
		m->turn_ns = every && i % every == every - 1 ? 1 : 0;
	}
}

static void
read_option(const char *text)
{
	struct options *o = &swarm.load.o;
	const char *value = strchr(text, '=');
	const struct {
		const char *name;
		unsigned *to;
	} numbers[] = {{"port=", &o->port}, {"sessions=", &o->sessions}, {"logins=", &o->logins},
	    {"sources=", &o->sources}, {"patience=", &swarm.patience}, {"rate=", NULL},
	    {"tls=", NULL}, {"sleepers=", NULL}};

	for (size_t i = 0; value && i < sizeof numbers / sizeof *numbers; i++) {
		if (strncmp(text, numbers[i].name, strlen(numbers[i].name)) != 0)
			continue;
		double n = strtod(value + 1, NULL);
		if (numbers[i].to)
			*numbers[i].to = (unsigned)n;
		else if (text[0] == 'r')
			o->rate = n;
		else if (text[0] == 't')
			o->tls = n > 0;
		else
			swarm.sleepers = n;
		return;
	}
	die("usage: swarm port=N [sessions=N] [rate=N] [tls=1] [logins=N] [sources=N] [sleepers=SHARE]"
	    " [patience=SECONDS]");
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		read_option(argv[i]);
	if (!swarm.load.o.port || swarm.load.o.sessions < 2 || swarm.load.o.sessions % 2)
		die("a port, and an even number of sessions");
	signal(SIGPIPE, SIG_IGN);
	prepare();
	wait_until(all_are_back, READY_SECONDS, "all clients there");
	printf("ready\n");
	fflush(stdout);
	swarm.talking = true;
	swarm.next_due_ns = clock_now_ns();
	while (swarm.talking) {
		turn();
		if (swarm.fault[0])
			look_at_fault();
	}
	return close_books();
}
