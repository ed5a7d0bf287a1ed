/* What all dials of the process share: the resolver, the routes, what failed a moment ago, and which sockets are our own. */
#include "dialer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/source.h"

static void
tell_trust(struct dialer *d)
{
	enum dns_trust trust = dns_trust(d->dns);

	if (trust == d->told)
		return;
	if (trust == DNS_TRUST_UNSIGNED)
		log_warn(
		    "the DNS resolver does not pass on the signatures of DNSSEC: answers are not validated, "
		    "and DANE is not used");
	else if (trust == DNS_TRUST_SIGNED)
		log_info("answers of the DNS are validated by DNSSEC");
	d->told = trust;
}

static void
on_dns(void *ctx, int events)
{
	struct dialer *d = ctx;

	(void)events;
	dns_process(d->dns);
	tell_trust(d);
}

static void
copy_listeners(struct dialer *d, const struct dialer_settings *s)
{
	d->listeners = mem_new_array(s->n_listeners + 1, sizeof(*d->listeners));
	for (size_t i = 0; i < s->n_listeners; i++)
		d->listeners[i] =
		    (struct dial_listener){.address = str_dup(str_z(s->listeners[i].address)),
			.port = s->listeners[i].port};
}

struct dialer *
dialer_new(const struct dialer_settings *s, struct err *err)
{
	struct dialer *d = NEW(struct dialer);
	const struct dns_settings dns = {
	    .resolver = s->resolver, .trust_anchor = s->trust_anchor, .validate = s->validate};

	d->settings = *s;
	copy_listeners(d, s);
	d->routes = route_table_new();
	d->failures = failure_table_new();
	d->dns = dns_new(&dns, err);
	if (!d->dns) {
		dialer_free(&d);
		return NULL;
	}
	if (s->validate && dns_trust(d->dns) == DNS_TRUST_OFF)
		log_warn(
		    "no trust anchor of the DNS is installed (package dns-root-data): answers are not "
		    "validated, and DANE is not used");
	return d;
}

int
dialer_threads(struct dialer *d, struct loop *loop, struct err *err)
{
	d->loop = loop;
	if (dns_start(d->dns, err) != 0)
		return -1;
	d->watch = loop_watch_new(loop, dns_fd(d->dns), on_dns, d);
	loop_watch_set(d->watch, LOOP_READ);
	return 0;
}

void
dialer_free(struct dialer **dp)
{
	struct dialer *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	if (d->n_dials > 0)
		bug("dialer_free: a dial is left");
	loop_watch_free(&d->watch);
	dns_free(&d->dns);
	route_table_free(&d->routes);
	failure_table_free(&d->failures);
	for (size_t i = 0; i < d->settings.n_listeners; i++)
		free((char *)d->listeners[i].address);
	free(d->listeners);
	free(d);
}

/* ---- routes ---- */

int
dialer_route_set(struct dialer *d, struct str domain, struct str target, struct err *err)
{
	dialer_forget(d, domain);
	return route_set(d->routes, domain, target, err);
}

bool
dialer_route_del(struct dialer *d, struct str domain)
{
	dialer_forget(d, domain);
	return route_del(d->routes, domain);
}

void
dialer_route_clear(struct dialer *d)
{
	route_clear(d->routes);
}

void
dialer_route_each(const struct dialer *d,
    void (*fn)(void *ctx, const char *domain, const char *target), void *ctx)
{
	route_each(d->routes, fn, ctx);
}

void
dialer_forget(struct dialer *d, struct str domain)
{
	failure_del(d->failures, domain);
}

/* ---- ourselves ---- */

static bool
same_address(const union host_sockaddr *a, const union host_sockaddr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

static bool
is_loopback(const union host_sockaddr *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* "*", "0.0.0.0" and "::" */
static bool
takes_all(const char *address)
{
	static const struct source none4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, none6;
	struct source s;

	if (strcmp(address, "*") == 0)
		return true;
	return source_parse(str_z(address), &s) &&
	    (memcmp(&s, &none4, sizeof(s)) == 0 || memcmp(&s, &none6, sizeof(s)) == 0);
}

static bool
is_listener(const struct dial_listener *l, const union host_sockaddr *here,
    const union host_sockaddr *there)
{
	struct source listens, reached;
	char text[46];

	if (l->port !=
	    ntohs(there->any.sa_family == AF_INET ? there->v4.sin_port : there->v6.sin6_port))
		return false;
	if (takes_all(l->address))
		return is_loopback(there) || same_address(here, there);
	host_address_text(there, text);
	return source_parse(str_z(l->address), &listens) && source_parse(str_z(text), &reached) &&
	    memcmp(&listens, &reached, sizeof(listens)) == 0;
}

/* The kernel takes an address of this machine as the source when it is the destination too. */
bool
dialer_is_ourselves(const struct dialer *d, int fd)
{
	union host_sockaddr here = {.v6 = {.sin6_family = AF_UNSPEC}}, there = here;
	socklen_t here_n = sizeof(here), there_n = sizeof(there);

	if (getsockname(fd, &here.any, &here_n) != 0 || getpeername(fd, &there.any, &there_n) != 0)
		return false;
	for (size_t i = 0; i < d->settings.n_listeners; i++)
		if (is_listener(&d->listeners[i], &here, &there))
			return true;
	return false;
}

/* ---- the sandbox ---- */

/* What libunbound's thread does beyond the base set, and bind and inet sockets, which sandbox.inet_connect allows. */
const int dialer_syscalls[] = {
#ifdef SYS_select
    SYS_select,
#endif
    SYS_pselect6,
    -1,
};
