/* See host.h. A record of the DNS was written by strangers: its length is checked, addresses that no server can have are left
 * out. */
#include "host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define RESOLUTION_DELAY_MS 50 /* RFC 8305 §3 */
#define IPV4_BYTES 4
#define IPV6_BYTES 16

/* ---- addresses ---- */

/* "This host", multicast, broadcast. */
static bool
is_usable_v4(const uint8_t *p)
{
	return p[0] != 0 && p[0] < 224;
}

static bool
is_usable_v6(const uint8_t *p)
{
	static const uint8_t none[IPV6_BYTES];

	return p[0] != 0xff && memcmp(p, none, sizeof(none)) != 0 &&
	    (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p) || is_usable_v4(p + 12));
}

static void
add_v4(struct host *h, struct str bytes, bool is_secure)
{
	struct host_address *a = &h->v4.v[h->v4.n];

	if (bytes.n != IPV4_BYTES || h->v4.n == HOST_ADDRESSES_MAX ||
	    !is_usable_v4((const uint8_t *)bytes.p))
		return;
	a->sa.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(h->srv.port)};
	memcpy(&a->sa.v4.sin_addr, bytes.p, bytes.n);
	a->is_secure = is_secure;
	h->v4.n++;
}

static void
add_v6(struct host *h, struct str bytes, bool is_secure)
{
	struct host_address *a = &h->v6.v[h->v6.n];
	uint8_t aligned[IPV6_BYTES];

	if (bytes.n != IPV6_BYTES || h->v6.n == HOST_ADDRESSES_MAX)
		return;
	memcpy(aligned, bytes.p, sizeof(aligned));
	if (!is_usable_v6(aligned))
		return;
	a->sa.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(h->srv.port)};
	memcpy(&a->sa.v6.sin6_addr, aligned, sizeof(aligned));
	a->is_secure = is_secure;
	h->v6.n++;
}

void
host_address_text(const union host_sockaddr *sa, char out[46])
{
	if (sa->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &sa->v4.sin_addr, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &sa->v6.sin6_addr, out, INET6_ADDRSTRLEN);
}

void
host_init(struct host *h, const struct srv *s)
{
	uint8_t bytes[IPV6_BYTES];

	*h = (struct host){.srv = *s, .error = DIAL_NOT_FOUND};
	if (inet_pton(AF_INET, s->target, bytes) == 1)
		add_v4(h, str_of(bytes, IPV4_BYTES), false);
	else if (inet_pton(AF_INET6, s->target, bytes) == 1)
		add_v6(h, str_of(bytes, IPV6_BYTES), false);
}

/* ---- answers ---- */

/* A later failure does not hide that the DNS is broken. */
static void
note(struct host *h, enum dns_type type, const struct dns_answer *a)
{
	if (h->why[0] != '\0' && a->status == DNS_NONE)
		return;
	h->error = a->status == DNS_BROKEN ? DIAL_DNS : DIAL_NOT_FOUND;
	snprintf(
	    h->why, sizeof(h->why), "%s of %.100s: %s", dns_type_name(type), h->srv.target, a->why);
}

static void
answered(struct host *h)
{
	if (h->first_ms == 0 && h->v4.n + h->v6.n > 0)
		h->first_ms = loop_now_ms(h->loop);
	h->changed(h->ctx);
}

static void
on_a(void *ctx, const struct dns_answer *a)
{
	struct host *h = ctx;

	h->v4.query = NULL;
	for (size_t i = 0; i < a->n; i++)
		add_v4(h, a->rdata[i], a->is_secure);
	if (a->status != DNS_FOUND)
		note(h, DNS_A, a);
	answered(h);
}

static void
on_aaaa(void *ctx, const struct dns_answer *a)
{
	struct host *h = ctx;

	h->v6.query = NULL;
	for (size_t i = 0; i < a->n; i++)
		add_v6(h, a->rdata[i], a->is_secure);
	if (a->status != DNS_FOUND)
		note(h, DNS_AAAA, a);
	answered(h);
}

/* Who keeps us from the records might be who is in between: then this host is not used (RFC 7673 §3.2). */
static void
on_tlsa(void *ctx, const struct dns_answer *a)
{
	struct host *h = ctx;

	h->tlsa_query = NULL;
	h->is_barred = a->status == DNS_BROKEN;
	if (h->is_barred)
		note(h, DNS_TLSA, a);
	for (size_t i = 0; i < a->n && h->n_tlsa < TLSA_MAX && a->is_secure; i++) {
		struct tlsa *t = &h->tlsa[h->n_tlsa];
		if (!tlsa_parse(t, a->rdata[i]))
			continue;
		t->data = arena_str(&h->arena, t->data);
		h->n_tlsa++;
	}
	answered(h);
}

static struct dns_query *
ask(struct host *h, struct dns *dns, enum dns_type type, const char *name, dns_fn *fn)
{
	struct dns_query *q = dns_ask(dns, name, type, fn, h);
	struct dns_answer busy = {.status = DNS_BROKEN, .why = "too many questions are under way"};

	if (!q)
		note(h, type, &busy);
	return q;
}

void
host_look_up(
    struct host *h, struct dns *dns, struct loop *loop, void (*changed)(void *ctx), void *ctx)
{
	char name[DNS_NAME_MAX + 16];

	h->loop = loop;
	h->changed = changed;
	h->ctx = ctx;
	if (h->v4.n + h->v6.n > 0)
		return;
	h->v6.query = ask(h, dns, DNS_AAAA, h->srv.target, on_aaaa);
	h->v4.query = ask(h, dns, DNS_A, h->srv.target, on_a);
	if (!h->srv.is_secure)
		return;
	snprintf(name, sizeof(name), "_%u._tcp.%s", h->srv.port, h->srv.target);
	h->tlsa_query = ask(h, dns, DNS_TLSA, name, on_tlsa);
	h->is_barred = !h->tlsa_query;
}

void
host_deinit(struct host *h)
{
	dns_cancel(&h->v4.query);
	dns_cancel(&h->v6.query);
	dns_cancel(&h->tlsa_query);
	arena_deinit(&h->arena);
}

/* ---- what to try ---- */

bool
host_is_known(const struct host *h)
{
	return !h->v4.query && !h->v6.query && !h->tlsa_query;
}

bool
host_is_ready(const struct host *h, uint64_t now_ms, bool is_first)
{
	bool has_waited = h->first_ms > 0 && now_ms >= h->first_ms + RESOLUTION_DELAY_MS;

	if (h->tlsa_query || has_waited)
		return !h->tlsa_query;
	return is_first && (host_is_known(h) || h->v6.n > 0);
}

bool
host_has_more(const struct host *h)
{
	return !h->is_barred && h->v4.next + h->v6.next < h->v4.n + h->v6.n;
}

const struct host_address *
host_next(struct host *h)
{
	bool has_v4 = h->v4.next < h->v4.n, has_v6 = h->v6.next < h->v6.n;

	if (!host_has_more(h))
		return NULL;
	h->last_was_v6 = has_v6 && (!h->last_was_v6 || !has_v4);
	return h->last_was_v6 ? &h->v6.v[h->v6.next++] : &h->v4.v[h->v4.next++];
}

bool
host_is_secure(const struct host *h, const struct host_address *a)
{
	return h->srv.is_secure && a->is_secure;
}
