/* See discover.h. The rules:
 *
 *   records of either service         their hosts in one list, by priority and weight
 *   no records for STARTTLS           the domain itself on 5269
 *   "." for STARTTLS                  no service, unless there are hosts for direct TLS
 *   the DNS fails for STARTTLS        hosts for direct TLS, else it failed */
#include "discover.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define DIRECT "_xmpps-server._tcp."
#define STARTTLS "_xmpp-server._tcp."

static void
take(struct discover *d, const struct dns_answer *a, bool is_direct_tls)
{
	for (size_t i = 0; i < a->n; i++) {
		struct srv *s = &d->found[d->n];
		if (!srv_parse(s, a->rdata[i]) || s->target[0] == '\0')
			continue;
		s->is_direct_tls = is_direct_tls;
		s->is_secure = a->is_secure;
		d->n++;
	}
}

static void
answered(struct discover *d, const struct dns_answer *a, bool is_direct_tls)
{
	take(d, a, is_direct_tls);
	if (a->status != DNS_FOUND)
		snprintf(d->why, sizeof(d->why), "SRV of %s%.120s: %s",
		    is_direct_tls ? DIRECT : STARTTLS, d->name, a->why);
	if (!d->direct && !d->starttls)
		d->done(d->ctx);
}

static void
on_direct(void *ctx, const struct dns_answer *a)
{
	struct discover *d = ctx;

	d->direct = NULL;
	d->direct_status = a->status;
	answered(d, a, true);
}

static void
on_starttls(void *ctx, const struct dns_answer *a)
{
	struct discover *d = ctx;

	d->starttls = NULL;
	d->starttls_status = a->status;
	d->is_none_secure = a->status == DNS_NONE && a->is_secure;
	answered(d, a, false);
}

bool
discover_start(
    struct discover *d, struct dns *dns, struct str domain, void (*done)(void *ctx), void *ctx)
{
	char name[DNS_NAME_MAX + 32];

	d->done = done;
	d->ctx = ctx;
	if (!dns_name(d->name, domain)) {
		d->error = DIAL_NOT_FOUND;
		snprintf(d->why, sizeof(d->why), "the domain cannot be a name of the DNS");
		return false;
	}
	snprintf(name, sizeof(name), DIRECT "%s", d->name);
	d->direct = dns_ask(dns, name, DNS_SRV, on_direct, d);
	snprintf(name, sizeof(name), STARTTLS "%s", d->name);
	d->starttls = dns_ask(dns, name, DNS_SRV, on_starttls, d);
	if (d->direct && d->starttls)
		return true;
	discover_deinit(d);
	d->error = DIAL_DNS;
	snprintf(d->why, sizeof(d->why), "too many questions to the DNS are under way");
	return false;
}

void
discover_deinit(struct discover *d)
{
	dns_cancel(&d->direct);
	dns_cancel(&d->starttls);
}

/* RFC 6120 §3.2.2 */
static size_t
the_domain_itself(const struct discover *d, struct srv *out)
{
	*out = (struct srv){.port = DIAL_PORT, .is_secure = d->is_none_secure};
	str_copy(out->target, sizeof(out->target), str_z(d->name));
	return 1;
}

size_t
discover_hosts(struct discover *d, struct srv out[DISCOVER_MAX], uint32_t (*below)(uint32_t limit),
    enum dial_error *error_r)
{
	if (d->n > 0) {
		srv_sort(d->found, d->n, below);
		size_t n = d->n < DISCOVER_MAX ? d->n : DISCOVER_MAX;
		memcpy(out, d->found, n * sizeof(*out));
		return n;
	}
	if (d->starttls_status == DNS_NONE)
		return the_domain_itself(d, out);
	*error_r = d->starttls_status == DNS_FOUND ? DIAL_NO_SERVICE : DIAL_DNS;
	if (*error_r == DIAL_NO_SERVICE)
		snprintf(d->why, sizeof(d->why),
		    "SRV of " STARTTLS "%.120s: there is no such service", d->name);
	return 0;
}
