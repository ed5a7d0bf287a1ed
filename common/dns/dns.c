/* See dns.h. What is set here differs from libunbound's defaults where closed networks need it: a resolver may be on this machine,
 * and the names under test and home.arpa may be somebody's.
 *
 * There are two contexts of libunbound, one that validates and one that does not, where the second may have to stand in:
 *
 *   question ──▶ validating ──bogus, and the root's keys are not there──▶ (asks for them) ──▶ plain ──▶ answer, never secure
 *                    └──else──▶ answer */
#include "dns/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unbound.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define CLASS_IN 1
#define RCODE_NXDOMAIN 3
#define START_MS 5000
#define NEGATIVE_SECONDS "60" /* how long that there is nothing is believed at most */
#define TYPE_DNSKEY 48
#define PROBE_AGAIN_MS 300000

static const char *const ANCHORS[] = {
    "/var/lib/unbound/root.key", "/usr/share/dns/root.key", "/etc/unbound/root.key"};

struct dns {
	struct ub_ctx *ub;    /* validates, if there is an anchor */
	struct ub_ctx *plain; /* stands in for it; NULL: it must not */
	int fd;               /* readable when one of them has something */
	struct list queries;
	size_t n_queries;
	enum dns_trust trust;
	bool is_probing;
	uint64_t probed_ms;
};

struct dns_query {
	struct list link; /* dns->queries */
	struct dns *dns;
	struct ub_ctx *ub; /* that is asked; NULL: bogus, and it is to be found out what that means */
	int id;
	dns_fn *fn;
	void *ctx;
	enum dns_type type;
	char name[];
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

static void probe(struct dns *d);

static int
set_anchor(struct dns *d, const char *file, struct err *err)
{
	if (file && *file) {
		if (access(file, R_OK) != 0)
			return err_set(err, "%s: %s", file, strerror(errno));
		if (ub_ctx_add_ta_file(d->ub, file) != 0)
			return err_set(err, "%s: cannot be used as a trust anchor", file);
		d->trust = DNS_TRUST_SIGNED;
		return 0;
	}
	for (size_t i = 0; i < COUNT(ANCHORS) && d->trust == DNS_TRUST_OFF; i++)
		if (access(ANCHORS[i], R_OK) == 0 && ub_ctx_add_ta_file(d->ub, ANCHORS[i]) == 0)
			d->trust = DNS_TRUST_UNKNOWN;
	return 0;
}

static int
set_options(struct ub_ctx *ub, const char *resolver, struct err *err)
{
	ub_ctx_debugout(ub, NULL);
	ub_ctx_set_option(ub, "do-not-query-localhost:", "no");
	ub_ctx_set_option(ub, "cache-max-negative-ttl:", NEGATIVE_SECONDS);
	/* Without either file it asks the root itself. */
	if (resolver && *resolver) {
		if (ub_ctx_set_fwd(ub, resolver) != 0)
			return err_set(err,
			    "resolver \"%s\" is no address; write 192.0.2.53 or 192.0.2.53@5353",
			    resolver);
	} else {
		ub_ctx_resolvconf(ub, NULL);
	}
	ub_ctx_hosts(ub, NULL);
	return 0;
}

static int
finish(const struct dns *d, struct ub_ctx *ub, struct err *err)
{
	int rc = ub_ctx_async(ub, 1);
	struct epoll_event e = {.events = EPOLLIN};

	if (rc == 0)
		rc = ub_ctx_zone_remove(ub, "test.");
	if (rc == 0)
		rc = ub_ctx_zone_remove(ub, "home.arpa.");
	if (rc != 0)
		return err_set(err, "libunbound: %s%s", ub_strerror(rc),
		    d->trust != DNS_TRUST_OFF ? "; is the trust anchor one?" : "");
	if (epoll_ctl(d->fd, EPOLL_CTL_ADD, ub_fd(ub), &e) != 0)
		return err_set(err, "epoll: %s", strerror(errno));
	return 0;
}

static struct ub_ctx *
create(struct err *err)
{
	struct ub_ctx *ub = ub_ctx_create();

	if (!ub)
		err_set(err, "libunbound cannot be started");
	return ub;
}

static int
set_up(struct dns *d, const struct dns_settings *s, struct err *err)
{
	d->ub = create(err);
	if (!d->ub || set_options(d->ub, s->resolver, err) != 0 ||
	    (s->validate && set_anchor(d, s->trust_anchor, err) != 0) || finish(d, d->ub, err) != 0)
		return -1;
	if (d->trust != DNS_TRUST_UNKNOWN)
		return 0;
	d->plain = create(err);
	return d->plain && set_options(d->plain, s->resolver, err) == 0 ? finish(d, d->plain, err)
									: -1;
}

struct dns *
dns_new(const struct dns_settings *s, struct err *err)
{
	struct dns *d = NEW(struct dns);

	list_init(&d->queries);
	d->fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->fd < 0)
		err_set(err, "epoll: %s", strerror(errno));
	else if (set_up(d, s, err) == 0)
		return d;
	dns_free(&d);
	return NULL;
}

enum dns_trust
dns_trust(const struct dns *d)
{
	return d->trust;
}

static void
on_started(void *ctx, int error, struct ub_result *result)
{
	(void)error;
	*(bool *)ctx = true;
	ub_resolve_free(result);
}

/* libunbound makes its thread with the first question; this one it answers itself. */
static int
start_thread(struct dns *d, struct ub_ctx *ub, struct err *err)
{
	bool started = false;
	struct pollfd p = {.fd = d->fd, .events = POLLIN};
	uint64_t end_ms = clock_mono_ms() + START_MS;

	if (ub_resolve_async(ub, "localhost.", DNS_A, CLASS_IN, &started, on_started, NULL) != 0)
		return err_set(err, "libunbound cannot make its thread");
	while (!started && clock_mono_ms() < end_ms)
		if (poll(&p, 1, 100) > 0)
			ub_process(ub);
	return started ? 0 : err_set(err, "libunbound's thread does not answer");
}

int
dns_start(struct dns *d, struct err *err)
{
	if (start_thread(d, d->ub, err) != 0 || (d->plain && start_thread(d, d->plain, err) != 0))
		return -1;
	if (d->plain)
		probe(d);
	return 0;
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
	if (d->plain)
		ub_ctx_delete(d->plain);
	if (d->fd >= 0)
		close(d->fd);
	LIST_FOREACH_SAFE(&d->queries, it, next)
		forget(CONTAINER_OF(it, struct dns_query, link));
	free(d);
}

/* ---- questions ---- */

int
dns_fd(const struct dns *d)
{
	return d->fd;
}

void
dns_process(struct dns *d)
{
	ub_process(d->ub);
	if (d->plain)
		ub_process(d->plain);
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
tell(struct dns_query *q, const struct dns_answer *answer)
{
	dns_fn *fn = q->fn;
	void *ctx = q->ctx;

	forget(q);
	fn(ctx, answer);
}

static void on_result(void *ctx, int error, struct ub_result *result);

static bool
ask_with(struct dns_query *q, struct ub_ctx *ub)
{
	q->ub = ub;
	return ub_resolve_async(ub, q->name, (int)q->type, CLASS_IN, q, on_result, &q->id) == 0;
}

static void
ask_without_validation(struct dns_query *q)
{
	struct dns_answer answer = {.status = DNS_BROKEN, .why = "libunbound does not ask"};

	if (!ask_with(q, q->dns->plain))
		tell(q, &answer);
}

/* Bogus, and it is not known that the resolver passes signatures on: it may be the resolver's fault. */
static bool
is_doubtful(const struct dns_query *q, int error, const struct ub_result *r)
{
	return q->dns->plain && q->ub == q->dns->ub && q->dns->trust != DNS_TRUST_SIGNED &&
	    error == 0 && r && r->bogus;
}

static void
on_result(void *ctx, int error, struct ub_result *result)
{
	struct dns_query *q = ctx;
	struct dns *d = q->dns;

	if (is_doubtful(q, error, result)) {
		q->ub = NULL;
		if (d->trust == DNS_TRUST_UNSIGNED)
			ask_without_validation(q);
		else
			probe(d);
	} else {
		struct dns_answer answer = answer_of(error, result);

		tell(q, &answer);
	}
	ub_resolve_free(result);
}

struct dns_query *
dns_ask(struct dns *d, const char *name, enum dns_type type, dns_fn *fn, void *ctx)
{
	size_t n = strlen(name) + 1;
	struct dns_query *q;

	if (d->n_queries >= DNS_QUERIES_MAX)
		return NULL;
	if (d->trust == DNS_TRUST_UNSIGNED && clock_mono_ms() >= d->probed_ms + PROBE_AGAIN_MS)
		probe(d);
	q = mem_new(sizeof(*q) + n);
	memcpy(q->name, name, n);
	q->dns = d;
	q->type = type;
	q->fn = fn;
	q->ctx = ctx;
	if (!ask_with(q, d->trust == DNS_TRUST_UNSIGNED ? d->plain : d->ub)) {
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
	if (q->ub)
		ub_cancel(q->ub, q->id);
	forget(q);
}

/* ---- does the resolver pass signatures on? ---- */

static struct dns_query *
first_doubtful(const struct dns *d)
{
	LIST_FOREACH(&d->queries, it) {
		struct dns_query *q = CONTAINER_OF(it, struct dns_query, link);

		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed has left the list */
		if (!q->ub)
			return q;
	}
	return NULL;
}

static void
settle(struct dns *d)
{
	struct dns_answer bogus = {.status = DNS_BROKEN, .why = "DNSSEC does not vouch for it"};
	struct dns_query *q;

	while ((q = first_doubtful(d))) {
		if (d->trust == DNS_TRUST_UNSIGNED)
			ask_without_validation(q);
		else
			tell(q, &bogus);
	}
}

/* Without an answer from anybody nothing is known; but what gives bogus answers and has no root's keys is a resolver without DNSSEC. */
static void
on_probed(void *ctx, int error, struct ub_result *r)
{
	struct dns *d = ctx;

	d->is_probing = false;
	if (error == 0 && r && r->secure && r->havedata)
		d->trust = DNS_TRUST_SIGNED;
	else if ((error == 0 && r && r->bogus) || first_doubtful(d))
		d->trust = DNS_TRUST_UNSIGNED;
	ub_resolve_free(r);
	settle(d);
}

static void
probe(struct dns *d)
{
	if (d->is_probing)
		return;
	d->probed_ms = clock_mono_ms();
	d->is_probing = ub_resolve_async(d->ub, ".", TYPE_DNSKEY, CLASS_IN, d, on_probed, NULL) == 0;
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
