/* See routes.h. */
#include "routes.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "dns/dns.h"

struct route_entry {
	UT_hash_handle hh;
	struct route route;
	char *target; /* as it was written */
	char domain[];
};

struct route_table {
	struct route_entry *entries;
};

struct route_table *
route_table_new(void)
{
	return NEW(struct route_table);
}

static void
remove_entry(struct route_table *t, struct route_entry *e)
{
	HASH_DEL(t->entries, e);
	free(e->target);
	free(e);
}

void
route_clear(struct route_table *t)
{
	struct route_entry *e, *next;

	HASH_ITER(hh, t->entries, e, next)
		remove_entry(t, e);
}

void
route_table_free(struct route_table **tp)
{
	struct route_table *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	route_clear(t);
	free(t);
}

/* ---- targets ---- */

/* Cuts ":PORT" off. An address of IPv6 stands in brackets, or alone. */
static bool
split_target(struct str target, struct str *host_r, struct str *port_r)
{
	size_t end = str_find(target, ']');

	*port_r = S("");
	if (target.n > 0 && target.p[0] == '[') {
		*host_r = str_of(target.p + 1, end - 1);
		*port_r = str_from(target, end + 2);
		return end < target.n &&
		    (end + 1 == target.n || (target.p[end + 1] == ':' && port_r->n > 0));
	}
	if (!str_split(target, ':', host_r, port_r))
		return true;
	if (str_find(*port_r, ':') < port_r->n) {
		*host_r = target;
		*port_r = S("");
		return true;
	}
	return port_r->n > 0;
}

static bool
parse_host(char out[DIAL_HOST_MAX], struct str host)
{
	struct in6_addr any;

	if (!str_copy(out, DIAL_HOST_MAX, host) || memchr(host.p, '\0', host.n))
		return false;
	if (inet_pton(AF_INET, out, &any) == 1 || inet_pton(AF_INET6, out, &any) == 1)
		return true;
	return dns_name(out, host);
}

int
route_parse(struct route *r_r, struct str target, struct err *err)
{
	struct route r;
	struct str host, port;
	uint64_t number = DIAL_PORT;

	if (!split_target(target, &host, &port) || str_empty(host) || !parse_host(r.host, host))
		return err_set(err, "\"%.*s\" is no host; write HOST, HOST:PORT or [IPV6]:PORT",
		    STR_ARG(target));
	if (port.n > 0 && (!str_u64(port, &number) || number == 0 || number > 65535))
		return err_set(
		    err, "\"%.*s\": the port is a number from 1 to 65535", STR_ARG(target));
	r.port = (uint16_t)number;
	*r_r = r;
	return 0;
}

int
dial_check_target(struct str target, struct err *err)
{
	struct route r;

	return route_parse(&r, target, err);
}

/* ---- the table ---- */

static struct route_entry *
find(const struct route_table *t, struct str domain)
{
	struct route_entry *e;

	HASH_FIND(hh, t->entries, domain.p, domain.n, e);
	return e;
}

const struct route *
route_find(const struct route_table *t, struct str domain)
{
	const struct route_entry *e = find(t, domain);

	return e ? &e->route : NULL;
}

bool
route_del(struct route_table *t, struct str domain)
{
	struct route_entry *e = find(t, domain);

	if (e)
		remove_entry(t, e);
	return e != NULL;
}

int
route_set(struct route_table *t, struct str domain, struct str target, struct err *err)
{
	struct route r;
	struct route_entry *e;

	if (route_parse(&r, target, err) != 0)
		return -1;
	route_del(t, domain);
	if (HASH_COUNT(t->entries) >= ROUTES_MAX)
		return err_set(err, "there are %d routes already", ROUTES_MAX);
	e = mem_new(sizeof(*e) + domain.n + 1);
	memcpy(e->domain, domain.p, domain.n);
	e->route = r;
	e->target = str_dup(target);
	HASH_ADD(hh, t->entries, domain, domain.n, e);
	return 0;
}

void
route_each(const struct route_table *t,
    void (*fn)(void *ctx, const char *domain, const char *target), void *ctx)
{
	for (const struct route_entry *e = t->entries; e; e = e->hh.next)
		fn(ctx, e->domain, e->target);
}
