/* Who is let in (SECURITY.md §4.3): as many as there are descriptors and handshake workers for, while the daemons behind are
 * there; of strangers, those without a session yet, a bounded number, from each source few, and not too fast. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "client.h"
#include "links.h"
#include "edge/sources.h"

#define DESCRIPTORS_KEPT 64 /* for everything that is no client (C-18) */

/* ---- who it is ---- */

/* An IPv4 client of a socket for both families is an IPv4 client. */
static void
visitor_name(struct visitor *v, int fd)
{
	struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&at;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)&at;
	socklen_t n = sizeof(at);
	bool known = getpeername(fd, (struct sockaddr *)&at, &n) == 0;

	snprintf(v->address, sizeof(v->address), "unknown");
	if (known && at.ss_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, v->address, sizeof(v->address));
	else if (known && at.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], v->address, sizeof(v->address));
	else if (known && at.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, v->address, sizeof(v->address));
	source_parse(str_z(v->address), &v->source);
}

static bool
is_exempt(const struct c2sd *c, const struct source *s)
{
	for (size_t i = 0; i < c->n_exempt; i++)
		if (network_has(&c->exempt[i], s))
			return true;
	return false;
}

void
listen_read_exempt(struct c2sd *c)
{
	const struct setting_strings *list = &c2sd_settings(c)->exempt;

	c->n_exempt = 0;
	for (size_t i = 0; i < list->n; i++)
		if (network_parse(str_z(list->v[i]), &c->exempt[c->n_exempt]))
			c->n_exempt++;
}

/* ---- counting strangers ---- */

/* From half of the bound on, newcomers are turned away with a growing chance, so that a flood cannot shut everyone out. */
static bool
is_dropped_early(const struct c2sd *c)
{
	size_t max = (size_t)c2sd_settings(c)->preauth_max, half = max / 2;

	if (c->n_preauth <= half)
		return false;
	return c->n_preauth >= max || id_random_u64() % (max - half) < c->n_preauth - half;
}

bool
listen_count(struct c2sd *c, struct visitor *v)
{
	const struct c2sd_settings *s = c2sd_settings(c);
	struct source_limits limits = {.connections = (unsigned)s->source_connections,
	    .per_minute = (unsigned)s->source_per_minute};

	v->is_exempt = is_exempt(c, &v->source);
	if (is_dropped_early(c))
		return false;
	if (!v->is_exempt && !source_enter(c->sources, &v->source, &limits, c2sd_now_ms(c)))
		return false;
	v->is_counted = true;
	c->n_preauth++;
	return true;
}

void
listen_uncount(struct c2sd *c, struct visitor *v)
{
	if (!v->is_counted)
		return;
	v->is_counted = false;
	c->n_preauth--;
	if (!v->is_exempt)
		source_leave(c->sources, &v->source);
}

/* ---- accepting ---- */

static void
set_socket(const struct c2sd *c, int fd)
{
	int one = 1;
	unsigned stall_ms = (unsigned)c2sd_settings(c)->stall_seconds * 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof(stall_ms));
}

static size_t
connections_max(const struct c2sd *c)
{
	size_t wanted = (size_t)c2sd_settings(c)->connections_max;

	return wanted < c->descriptors ? wanted : c->descriptors;
}

static bool
on_may_accept(void *ctx)
{
	const struct gate *g = ctx;
	const struct c2sd *c = g->c2sd;

	return links_may_serve(c) && c->n_clients < connections_max(c) &&
	    !handshakes_are_due(&c->handshakes);
}

static void
on_accepted(void *ctx, int fd)
{
	struct gate *g = ctx;
	struct visitor v = {.is_counted = false};

	visitor_name(&v, fd);
	if (!listen_count(g->c2sd, &v)) {
		log_debug("%s: turned away by the limits of connections", v.address);
		close(fd);
		return;
	}
	set_socket(g->c2sd, fd);
	client_new(g, fd, &v);
}

/* ---- life ---- */

/* Before the limits of the sandbox: it raises them as far as it may. */
static size_t
count_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_max == RLIM_INFINITY)
		return SIZE_MAX;
	return r.rlim_max > 2 * DESCRIPTORS_KEPT ? r.rlim_max - DESCRIPTORS_KEPT : DESCRIPTORS_KEPT;
}

int
listen_open(struct c2sd *c, struct err *err)
{
	struct listener_settings l[LISTENERS_MAX];
	unsigned n = c2sd_listeners(c->daemon, l);

	c->descriptors = count_descriptors();
	for (unsigned i = 0; i < n; i++) {
		struct gate *g = &c->gates[i];

		*g = (struct gate){.c2sd = c, .tls = (enum listener_tls)l[i].tls};
		g->fd = service_listen_tcp(
		    c->daemon, l[i].title, l[i].address, (uint16_t)l[i].port, err);
		if (g->fd < 0)
			return -1;
		c->n_gates++;
	}
	return 0;
}

void
listen_start(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++) {
		struct gate *g = &c->gates[i];

		g->listener = listener_new(c->daemon->loop, g->fd, on_may_accept, on_accepted, g);
	}
}

void
listen_resume(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		if (c->gates[i].listener)
			listener_resume(c->gates[i].listener);
}

void
listen_stop(struct c2sd *c)
{
	for (unsigned i = 0; i < c->n_gates; i++)
		listener_free(&c->gates[i].listener);
}
