/* See lookup.h. */
#include "lookup.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "dns/srv.h"

#define WAIT_MS 10000

struct dns *
lookup_open(const char *resolver, const char *trust_anchor, struct err *err)
{
	const struct dns_settings s = {.resolver = resolver,
	    .trust_anchor = trust_anchor,
	    .validate = !trust_anchor || strcmp(trust_anchor, "none") != 0};
	struct dns *dns = dns_new(&s, err);

	if (dns && dns_start(dns, err) != 0)
		dns_free(&dns);
	return dns;
}

static bool
put_address(char *out, size_t cap, int family, struct str rdata)
{
	return rdata.n == (family == AF_INET ? 4 : 16) &&
	    inet_ntop(family, rdata.p, out, (socklen_t)cap) != NULL;
}

static bool
put_srv(struct question *q, struct str rdata)
{
	struct srv s;

	if (!srv_parse(&s, rdata))
		return false;
	snprintf(q->records[q->n].text, sizeof(q->records[q->n].text), "%u %u %u %s", s.priority,
	    s.weight, s.port, s.target[0] != '\0' ? s.target : ".");
	str_copy(q->records[q->n].target, sizeof(q->records[q->n].target), str_z(s.target));
	q->records[q->n].port = s.port;
	return true;
}

/* Usage, selector, matching type, data (RFC 6698 §2.1); of long data the beginning. */
static bool
put_tlsa(char *out, size_t cap, struct str rdata)
{
	const unsigned char *p = (const unsigned char *)rdata.p;
	size_t at;

	if (rdata.n < 4)
		return false;
	at = (size_t)snprintf(out, cap, "%u %u %u ", p[0], p[1], p[2]);
	for (size_t i = 3; i < rdata.n && at + 3 < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%02x", p[i]);
	return true;
}

static void
put_record(struct question *q, struct str rdata)
{
	char *text = q->records[q->n].text;
	size_t cap = sizeof(q->records[q->n].text);
	bool ok = false;

	if (q->type == DNS_SRV)
		ok = put_srv(q, rdata);
	else if (q->type == DNS_A)
		ok = put_address(text, cap, AF_INET, rdata);
	else if (q->type == DNS_AAAA)
		ok = put_address(text, cap, AF_INET6, rdata);
	else if (q->type == DNS_TLSA)
		ok = put_tlsa(text, cap, rdata);
	q->n += ok;
}

static void
on_answer(void *ctx, const struct dns_answer *a)
{
	struct question *q = ctx;

	q->is_answered = true;
	q->status = a->status;
	q->is_secure = a->is_secure;
	snprintf(q->why, sizeof(q->why), "%s", a->why ? a->why : "");
	for (size_t i = 0; i < a->n && q->n < LOOKUP_RECORDS_MAX; i++)
		put_record(q, a->rdata[i]);
}

static bool
are_answered(const struct question *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!q[i].is_answered)
			return false;
	return true;
}

void
lookup_all(struct dns *dns, struct question *q, size_t n)
{
	struct pollfd p = {.fd = dns_fd(dns), .events = POLLIN};
	uint64_t end_ms = clock_mono_ms() + WAIT_MS;
	struct dns_query *asked[64] = {NULL};

	for (size_t i = 0; i < n; i++) {
		q[i].status = DNS_BROKEN;
		snprintf(q[i].why, sizeof(q[i].why), "no answer");
		asked[i] = dns_ask(dns, q[i].name, q[i].type, on_answer, &q[i]);
	}
	while (!are_answered(q, n) && clock_mono_ms() < end_ms)
		if (poll(&p, 1, 100) > 0)
			dns_process(dns);
	for (size_t i = 0; i < n; i++)
		if (!q[i].is_answered)
			dns_cancel(&asked[i]);
}
