/* See dns.h. What is set here differs from libunbound's defaults where closed networks need it: a resolver may be on this machine,
 * and the names under test and home.arpa may be somebody's. */
#include "dns/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define CLASS_IN 1
#define RCODE_NXDOMAIN 3
#define START_MS 5000
#define NEGATIVE_SECONDS "60" /* how long that there is nothing is believed at most */

static const char *const ANCHORS[] = {
    "/var/lib/unbound/root.key", "/usr/share/dns/root.key", "/etc/unbound/root.key"};

struct dns {
	struct ub_ctx *ub;
	struct list queries;
	size_t n_queries;
	bool validates;
};

struct dns_query {
	struct list link; /* dns->queries */
	struct dns *dns;
	int id;
	dns_fn *fn;
	void *ctx;
};

const char *
dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_TLSA:
		return "TLSA";
	}
	return "?";
}

/* ---- set up ---- */

static int
set_anchor(struct dns *d, const char *file, struct err *err)
{
	if (file && *file) {
		if (access(file, R_OK) != 0)
			return err_set(err, "%s: %s", file, strerror(errno));
		if (ub_ctx_add_ta_file(d->ub, file) != 0)
			return err_set(err, "%s: cannot be used as a trust anchor", file);
		d->validates = true;
		return 0;
	}
	for (size_t i = 0; i < COUNT(ANCHORS) && !d->validates; i++)
		d->validates =
		    access(ANCHORS[i], R_OK) == 0 && ub_ctx_add_ta_file(d->ub, ANCHORS[i]) == 0;
	return 0;
}

static int
set_up(struct dns *d, const struct dns_settings *s, struct err *err)
{
	int rc;

	ub_ctx_debugout(d->ub, NULL);
	ub_ctx_set_option(d->ub, "do-not-query-localhost:", "no");
	ub_ctx_set_option(d->ub, "cache-max-negative-ttl:", NEGATIVE_SECONDS);
	/* Without either file it asks the root itself. */
	if (s->resolver && *s->resolver) {
		if (ub_ctx_set_fwd(d->ub, s->resolver) != 0)
			return err_set(err,
			    "resolver \"%s\" is no address; write 192.0.2.53 or 192.0.2.53@5353",
			    s->resolver);
	} else {
		ub_ctx_resolvconf(d->ub, NULL);
	}
	ub_ctx_hosts(d->ub, NULL);
	if (s->validate && set_anchor(d, s->trust_anchor, err) != 0)
		return -1;
	rc = ub_ctx_async(d->ub, 1);
	if (rc == 0)
		rc = ub_ctx_zone_remove(d->ub, "test.");
	if (rc == 0)
		rc = ub_ctx_zone_remove(d->ub, "home.arpa.");
	if (rc != 0)
		return err_set(err, "libunbound: %s%s", ub_strerror(rc),
		    s->validate ? "; is the trust anchor one?" : "");
	return 0;
}

struct dns *
dns_new(const struct dns_settings *s, struct err *err)
{
	struct dns *d = NEW(struct dns);

	list_init(&d->queries);
	d->ub = ub_ctx_create();
	if (!d->ub)
		err_set(err, "libunbound cannot be started");
	else if (set_up(d, s, err) == 0)
		return d;
	dns_free(&d);
	return NULL;
}

bool
dns_validates(const struct dns *d)
{
	return d->validates;
}

static void
on_started(void *ctx, const struct dns_answer *answer)
{
	(void)answer;
	*(bool *)ctx = true;
}

/* libunbound makes its thread with the first question; this one it answers itself. */
int
dns_start(struct dns *d, struct err *err)
{
	bool started = false;
	struct pollfd p = {.fd = dns_fd(d), .events = POLLIN};
	uint64_t end_ms = clock_mono_ms() + START_MS;

	if (!dns_ask(d, "localhost.", DNS_A, on_started, &started))
		return err_set(err, "libunbound cannot make its thread");
	while (!started && clock_mono_ms() < end_ms)
		if (poll(&p, 1, 100) > 0)
			dns_process(d);
	return started ? 0 : err_set(err, "libunbound's thread does not answer");
}

static void
forget(struct dns_query *q)
{
	list_remove(&q->link);
	q->dns->n_queries--;
	free(q);
}

void
dns_free(struct dns **dp)
{
	struct dns *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	if (d->ub)
		ub_ctx_delete(d->ub);
	LIST_FOREACH_SAFE(&d->queries, it, next)
		forget(CONTAINER_OF(it, struct dns_query, link));
	free(d);
}

/* ---- questions ---- */

int
dns_fd(const struct dns *d)
{
	return ub_fd(d->ub);
}

void
dns_process(struct dns *d)
{
	ub_process(d->ub);
}

static void
take_records(struct dns_answer *a, const struct ub_result *r)
{
	a->status = DNS_FOUND;
	for (size_t i = 0; r->data[i] && a->n < DNS_RECORDS_MAX; i++)
		a->rdata[a->n++] = str_of(r->data[i], r->len[i] > 0 ? (size_t)r->len[i] : 0);
}

static const char *
why_bogus(const struct ub_result *r)
{
	return r->why_bogus ? r->why_bogus : "DNSSEC does not vouch for it";
}

static struct dns_answer
answer_of(int error, const struct ub_result *r)
{
	struct dns_answer a = {.status = DNS_BROKEN};

	if (error != 0 || !r) {
		a.why = ub_strerror(error);
	} else if (r->bogus) {
		a.why = why_bogus(r);
	} else if (r->havedata) {
		a.is_secure = r->secure;
		take_records(&a, r);
	} else if (r->rcode == 0 || r->rcode == RCODE_NXDOMAIN) {
		a.status = DNS_NONE;
		a.is_secure = r->secure;
		a.why = r->rcode == 0 ? "no such record" : "no such name";
	} else {
		a.why = r->rcode == 5 ? "the DNS server refuses" : "the DNS server failed";
	}
	return a;
}

static void
on_result(void *ctx, int error, struct ub_result *result)
{
	struct dns_query *q = ctx;
	dns_fn *fn = q->fn;
	void *fn_ctx = q->ctx;
	struct dns_answer answer = answer_of(error, result);

	forget(q);
	fn(fn_ctx, &answer);
	ub_resolve_free(result);
}

struct dns_query *
dns_ask(struct dns *d, const char *name, enum dns_type type, dns_fn *fn, void *ctx)
{
	struct dns_query *q;

	if (d->n_queries >= DNS_QUERIES_MAX)
		return NULL;
	q = NEW(struct dns_query);
	list_init(&q->link);
	q->dns = d;
	q->fn = fn;
	q->ctx = ctx;
	if (ub_resolve_async(d->ub, name, (int)type, CLASS_IN, q, on_result, &q->id) != 0) {
		free(q);
		return NULL;
	}
	list_add(&d->queries, &q->link);
	d->n_queries++;
	return q;
}

void
dns_cancel(struct dns_query **qp)
{
	struct dns_query *q = *qp;

	*qp = NULL;
	if (!q)
		return;
	ub_cancel(q->dns->ub, q->id);
	forget(q);
}

/* ---- names ---- */

static bool
is_address(const char *text)
{
	struct in6_addr any;

	return inet_pton(AF_INET, text, &any) == 1;
}

/* libidn2 lets other characters of ASCII be. */
static bool
is_host_name(const char *name)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return name[strspn(name, allowed)] == '\0';
}

bool
dns_name(char out[DNS_NAME_MAX], struct str domain)
{
	char text[1024], *ascii = NULL;
	bool ok;

	if (domain.n == 0 || domain.p[0] == '[' || !str_copy(text, sizeof(text), domain) ||
	    is_address(text))
		return false;
	if (idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&ascii, IDN2_NO_TR46) != IDN2_OK)
		return false;
	ok = is_host_name(ascii) && str_copy(out, DNS_NAME_MAX, str_z(ascii));
	idn2_free(ascii);
	return ok;
}
