/* See door.h. */
#include "door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/id.h"

#define DESCRIPTORS_KEPT 64 /* for everything that is no connection of a stranger */

static size_t
count_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_max == RLIM_INFINITY)
		return SIZE_MAX;
	return r.rlim_max > 2 * DESCRIPTORS_KEPT ? r.rlim_max - DESCRIPTORS_KEPT : DESCRIPTORS_KEPT;
}

void
door_init(struct door *d)
{
	d->sources = source_table_new();
	d->descriptors = count_descriptors();
}

void
door_deinit(struct door *d)
{
	source_table_free(&d->sources);
}

/* ---- who it is ---- */

/* An IPv4 peer of a socket for both families is an IPv4 peer. */
void
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

/* ---- settings ---- */

void
door_set(struct door *d, const struct door_settings *s)
{
	d->settings = s;
	if (networks_set(&d->exempt, s->exempt.v, s->exempt.n, NULL) != 0)
		d->exempt.n = 0;
}

int
door_check(const struct door_settings *s, struct err *err)
{
	struct networks exempt;

	if (networks_set(&exempt, s->exempt.v, s->exempt.n, err) != 0)
		return err_prefix(err, "exempt");
	return 0;
}

bool
door_is_full(const struct door *d, size_t n_connections)
{
	return n_connections >= (size_t)d->settings->connections || n_connections >= d->descriptors;
}

/* ---- counting strangers ---- */

/* From half of the bound on, newcomers are turned away with a growing chance, so that a flood cannot shut everyone out. */
static bool
is_dropped_early(const struct door *d, size_t max)
{
	size_t half = max / 2;

	if (d->n_strangers <= half)
		return false;
	return d->n_strangers >= max || id_random_u64() % (max - half) < d->n_strangers - half;
}

bool
door_enter(struct door *d, struct visitor *v, uint64_t now_ms)
{
	struct source_limits limits = {.connections = (unsigned)d->settings->source_connections,
	    .per_minute = (unsigned)d->settings->source_per_minute};

	v->is_exempt = networks_have(&d->exempt, &v->source);
	if (is_dropped_early(d, (size_t)d->settings->strangers))
		return false;
	if (!v->is_exempt && !source_enter(d->sources, &v->source, &limits, now_ms))
		return false;
	v->is_counted = true;
	d->n_strangers++;
	return true;
}

void
door_leave(struct door *d, struct visitor *v)
{
	if (!v->is_counted)
		return;
	v->is_counted = false;
	d->n_strangers--;
	if (!v->is_exempt)
		source_leave(d->sources, &v->source);
}

void
door_sweep(struct door *d, uint64_t now_ms)
{
	source_sweep(d->sources, now_ms);
}

/* ---- sockets ---- */

void
door_limit_silence(const struct door *d, int fd)
{
	unsigned stall_ms = (unsigned)d->settings->stall_seconds * 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof(stall_ms));
}
