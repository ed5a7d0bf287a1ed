/* load: many XMPP sessions of one process, for measuring a server. bench/run starts it and talks to it in lines:
 *
 *   load  ready SECONDS        all sessions have logged in and are prepared for the mode; or: lacks WHAT
 *   run   run SECONDS          do what the mode does, for that long (or until it is done), then wait for what is due
 *   load  {"things": …}        the result, as JSON in one line
 *   run   next                 go on to the mode's second kind of run; "ready" comes again
 *   run   (end of file)        leave
 *
 * Owns the sessions, the loop and the counts of a run; what the sessions do is in the mode_*.c. */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS 512
#define LOGIN_SECONDS 600 /* until all are ready */
#define DRAIN_SECONDS 30  /* until what is due has come */

static const struct mode *const modes[] = {&mode_chat, &mode_open, &mode_ping, &mode_login,
    &mode_idle, &mode_presence, &mode_offline, &mode_archive, &mode_fill, &mode_feature,
    &mode_component, &mode_newcomer, &mode_cold, &mode_deaf};

/* ---- what the parts call ---- */

void
load_lacks(const char *what)
{
	printf("lacks %s\n", what);
	exit(3);
}

void
load_prepared(struct client *c)
{
	if (c->prepared)
		return;
	c->prepared = true;
	c->load->prepared++;
}

void
load_ready(struct client *c)
{
	struct load *l = c->load;

	l->ready++;
	l->logging_in--;
	if (l->mode->ready)
		l->mode->ready(c);
	else
		load_prepared(c);
}

void
load_closed(struct client *c)
{
	if (c->load->mode->closed)
		c->load->mode->closed(c);
}

void
load_settle(struct load *l, struct flow *f)
{
	l->lost += flow_lost(f);
	l->duplicates += f->duplicates;
	l->disordered += f->disordered;
	flow_reset(f);
}

void
load_settle_all(struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++)
		load_settle(l, &l->clients[i].flow);
}

void
load_fill_windows(struct load *l, void (*ask)(struct client *c))
{
	for (unsigned i = 0; i < l->o.sessions; i++)
		for (unsigned w = 0; w < l->o.window; w++)
			ask(&l->clients[i]);
}

bool
load_is_idle(const struct load *l)
{
	for (unsigned i = 0; i < l->o.sessions; i++)
		if (l->clients[i].outstanding > 0)
			return false;
	return true;
}

/* ---- the loop ---- */

static void
start_logins(struct load *l)
{
	while (l->started < l->wanted && l->logging_in < l->o.logins) {
		l->logging_in++;
		client_connect(&l->clients[l->started++]);
	}
}

static void
turn(struct load *l)
{
	struct epoll_event events[EVENTS];
	uint64_t expirations;
	int n = epoll_wait(l->epoll, events, EVENTS, 100);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			client_event(events[i].data.ptr, events[i].events);
		else if (read(l->timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
			die("timer: %s", strerror(errno));
	}
	start_logins(l);
	if (l->mode->turn)
		l->mode->turn(l);
	load_flush(l);
}

static void
log_in(struct load *l)
{
	uint64_t began = clock_now_ns();

	l->wanted = l->mode->wanted && l->phase == 0 ? l->mode->wanted(l) : l->o.sessions;
	start_logins(l);
	while (l->prepared < l->wanted) {
		turn(l);
		if (clock_now_ns() - began > LOGIN_SECONDS * 1000000000ULL)
			die("only %u of %u sessions are ready (%u logged in)", l->prepared,
			    l->wanted, l->ready);
		if (l->errors > 0)
			die("a session failed");
	}
	printf("ready %.3f\n", (double)(clock_now_ns() - began) / 1e9);
	fflush(stdout);
}

static void
print_result(const struct load *l, double seconds)
{
	printf(
	    "{\"things\": %llu, \"seconds\": %.6f, \"errors\": %llu, \"lost\": %llu, \"duplicates\": %llu, "
	    "\"disordered\": %llu",
	    (unsigned long long)l->things, seconds, (unsigned long long)l->errors,
	    (unsigned long long)l->lost, (unsigned long long)l->duplicates,
	    (unsigned long long)l->disordered);
	static const double shares[] = {0.5, 0.9, 0.99, 0.999};
	static const char *const names[] = {"p50", "p90", "p99", "p999"};
	for (unsigned i = 0; i < 4; i++)
		printf(", \"%s_us\": %.1f", names[i], (double)hist_at(&l->hist, shares[i]) / 1e3);
	printf(", \"max_us\": %.1f}\n", (double)l->hist.most / 1e3);
	fflush(stdout);
}

static void
run_once(struct load *l, double seconds)
{
	l->things = l->lost = l->duplicates = l->disordered = l->scheduled = 0;
	memset(&l->hist, 0, sizeof l->hist);
	l->running = true;
	l->began_ns = clock_now_ns();
	l->until_ns = l->began_ns + (uint64_t)(seconds * 1e9);
	if (l->mode->begin)
		l->mode->begin(l);
	load_flush(l);
	while (!l->mode->finite && clock_now_ns() < l->until_ns)
		turn(l);
	l->running = false;
	uint64_t deadline = clock_now_ns() + DRAIN_SECONDS * 1000000000ULL;
	while (l->mode->idle && !l->mode->idle(l) && l->errors == 0) {
		uint64_t things = l->things, now = clock_now_ns();
		turn(l);
		if (l->things != things)
			deadline = now + DRAIN_SECONDS * 1000000000ULL;
		if (now > deadline)
			break;
	}
	double took = (double)(clock_now_ns() - l->began_ns) / 1e9;
	if (l->mode->end)
		l->mode->end(l);
	print_result(l, took);
}

static int
serve(struct load *l)
{
	char line[64];

	log_in(l);
	while (fgets(line, sizeof line, stdin)) {
		if (strncmp(line, "run ", 4) == 0) {
			run_once(l, strtod(line + 4, NULL));
		} else if (strcmp(line, "next\n") == 0 && l->mode->next) {
			l->phase++;
			l->mode->next(l);
			log_in(l);
		} else {
			die("what is %s", line);
		}
	}
	return l->errors + l->lost + l->duplicates + l->disordered > 0;
}

/* ---- start ---- */

static void
usage(void)
{
	fputs(
	    "usage: load --mode MODE --port PORT [--host ADDRESS] [--domain NAME] [--tls] [--priority STRING]\n"
	    "  [--mechanism SCRAM-SHA-1|SCRAM-SHA-256|PLAIN] [--password TEXT] [--sessions N] [--first N] [--sm]\n"
	    "  [--window N] [--rate N] [--bytes N] [--logins N] [--sources N] [--messages N] [--contacts N] [--feature NAMESPACE] [--component-port N]\n"
	    "  [--far-domain NAME --far-port PORT] [--segment BYTES] [--receive BYTES]\n"
	    "modes:",
	    stderr);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		fprintf(stderr, " %s", modes[i]->name);
	fputc('\n', stderr);
	exit(2);
}

static const struct mode *
find_mode(const char *name)
{
	for (size_t i = 0; name && i < sizeof modes / sizeof *modes; i++)
		if (strcmp(modes[i]->name, name) == 0)
			return modes[i];
	usage();
	return NULL;
}

enum option_key {
	KEY_HOST = 1,
	KEY_DOMAIN,
	KEY_MECHANISM,
	KEY_PASSWORD,
	KEY_MODE,
	KEY_PRIORITY,
	KEY_FEATURE,
	KEY_FAR_DOMAIN,
	KEY_RATE,
	KEY_TLS,
	KEY_SM,
	KEY_PORT,
	KEY_SESSIONS,
	KEY_FIRST,
	KEY_WINDOW,
	KEY_BYTES,
	KEY_LOGINS,
	KEY_SOURCES,
	KEY_MESSAGES,
	KEY_CONTACTS,
	KEY_COMPONENT_PORT,
	KEY_FAR_PORT,
	KEY_SEGMENT,
	KEY_RECEIVE
};

static const struct option long_options[] = {{"host", 1, NULL, KEY_HOST},
    {"domain", 1, NULL, KEY_DOMAIN}, {"mechanism", 1, NULL, KEY_MECHANISM},
    {"password", 1, NULL, KEY_PASSWORD}, {"mode", 1, NULL, KEY_MODE},
    {"priority", 1, NULL, KEY_PRIORITY}, {"feature", 1, NULL, KEY_FEATURE},
    {"rate", 1, NULL, KEY_RATE}, {"tls", 0, NULL, KEY_TLS}, {"sm", 0, NULL, KEY_SM},
    {"port", 1, NULL, KEY_PORT}, {"sessions", 1, NULL, KEY_SESSIONS}, {"first", 1, NULL, KEY_FIRST},
    {"window", 1, NULL, KEY_WINDOW}, {"bytes", 1, NULL, KEY_BYTES}, {"logins", 1, NULL, KEY_LOGINS},
    {"sources", 1, NULL, KEY_SOURCES}, {"messages", 1, NULL, KEY_MESSAGES},
    {"contacts", 1, NULL, KEY_CONTACTS}, {"component-port", 1, NULL, KEY_COMPONENT_PORT},
    {"far-domain", 1, NULL, KEY_FAR_DOMAIN}, {"far-port", 1, NULL, KEY_FAR_PORT},
    {"segment", 1, NULL, KEY_SEGMENT}, {"receive", 1, NULL, KEY_RECEIVE}, {0}};

static void
set_text(struct options *o, int key, const char *text)
{
	const char **const texts[] = {[KEY_HOST] = &o->host,
	    [KEY_DOMAIN] = &o->domain,
	    [KEY_MECHANISM] = &o->mechanism,
	    [KEY_PASSWORD] = &o->password,
	    [KEY_MODE] = &o->mode,
	    [KEY_PRIORITY] = &o->priority,
	    [KEY_FEATURE] = &o->feature,
	    [KEY_FAR_DOMAIN] = &o->far_domain};

	*texts[key] = text;
}

static void
set_number(struct options *o, int key, const char *text)
{
	unsigned *const numbers[] = {[KEY_PORT] = &o->port,
	    [KEY_SESSIONS] = &o->sessions,
	    [KEY_FIRST] = &o->first,
	    [KEY_WINDOW] = &o->window,
	    [KEY_BYTES] = &o->bytes,
	    [KEY_LOGINS] = &o->logins,
	    [KEY_SOURCES] = &o->sources,
	    [KEY_MESSAGES] = &o->messages,
	    [KEY_CONTACTS] = &o->contacts,
	    [KEY_COMPONENT_PORT] = &o->component_port,
	    [KEY_FAR_PORT] = &o->far_port,
	    [KEY_SEGMENT] = &o->segment,
	    [KEY_RECEIVE] = &o->receive};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n > 100000000)
		usage();
	*numbers[key] = (unsigned)n;
}

static void
read_options(struct options *o, int argc, char **argv)
{
	int key;

	*o = (struct options){.host = "127.0.0.1",
	    .domain = "localhost",
	    .mechanism = "SCRAM-SHA-1",
	    .password = "bench-password",
	    .sessions = 100,
	    .window = 1,
	    .bytes = 100,
	    .logins = 50,
	    .sources = 1,
	    .messages = 20,
	    .contacts = 20,
	    .rate = 2000,
	    .feature = "",
	    .priority =
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM:-GROUP-ALL:+GROUP-X25519"};
	while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (key == KEY_TLS)
			o->tls = true;
		else if (key == KEY_SM)
			o->sm = true;
		else if (key == KEY_RATE)
			o->rate = strtod(optarg, NULL);
		else if (key >= KEY_PORT)
			set_number(o, key, optarg);
		else if (key >= KEY_HOST && key <= KEY_FAR_DOMAIN)
			set_text(o, key, optarg);
		else
			usage();
	}
	if (optind != argc || !o->mode || o->port == 0 || o->sessions == 0 || o->window == 0 ||
	    o->bytes > 2000 || !o->far_domain != !o->far_port)
		usage();
}

static void
raise_file_limit(unsigned sessions)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= sessions + 32)
		return;
	limit.rlim_cur = sessions + 32;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("%u sessions need more open files (ulimit -n)", sessions);
}

int
main(int argc, char **argv)
{
	static struct load load;
	struct load *l = &load;

	read_options(&l->o, argc, argv);
	l->mode = find_mode(l->o.mode);
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit(l->o.sessions);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	l->clients = calloc(l->o.sessions, sizeof *l->clients);
	l->dirty = calloc(2 * l->o.sessions + 1, sizeof(struct client *)); /* and a component */
	struct epoll_event e = {EPOLLIN, {.ptr = NULL}};
	if (l->epoll < 0 || l->timer < 0 || !l->clients || !l->dirty ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->timer, &e) != 0)
		die("cannot start: %s", strerror(errno));
	for (unsigned i = 0; i < l->o.sessions; i++)
		client_init(&l->clients[i], l, l->o.first + i);
	return serve(l);
}
