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

void
door_init(struct door *d)
{
	d->sources = source_table_new();
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

static bool
is_exempt(const struct door *d, const struct source *s)
{
	for (size_t i = 0; i < d->n_exempt; i++)
		if (network_has(&d->exempt[i], s))
			return true;
	return false;
}

void
door_set_exempt(struct door *d, const struct setting_strings *networks)
{
	d->n_exempt = 0;
	for (size_t i = 0; i < networks->n && d->n_exempt < EXEMPT_MAX; i++)
		if (network_parse(str_z(networks->v[i]), &d->exempt[d->n_exempt]))
			d->n_exempt++;
}

int
door_check_exempt(const struct setting_strings *networks, struct err *err)
{
	struct network net;

	if (networks->n > EXEMPT_MAX)
		return err_set(err, "exempt: more than %d networks", EXEMPT_MAX);
	for (size_t i = 0; i < networks->n; i++)
		if (!network_parse(str_z(networks->v[i]), &net))
			return err_set(err,
			    "exempt: \"%s\" is no network; write it as 192.0.2.0/24 or 2001:db8::/32",
			    networks->v[i]);
	return 0;
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
door_enter(struct door *d, struct visitor *v, const struct door_limits *limits, uint64_t now_ms)
{
	v->is_exempt = is_exempt(d, &v->source);
	if (is_dropped_early(d, limits->strangers))
		return false;
	if (!v->is_exempt && !source_enter(d->sources, &v->source, &limits->source, now_ms))
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
door_set_socket(int fd, int64_t stall_seconds)
{
	int one = 1;
	unsigned stall_ms = (unsigned)stall_seconds * 1000;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof(stall_ms));
}

size_t
door_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_max == RLIM_INFINITY)
		return SIZE_MAX;
	return r.rlim_max > 2 * DESCRIPTORS_KEPT ? r.rlim_max - DESCRIPTORS_KEPT : DESCRIPTORS_KEPT;
}
