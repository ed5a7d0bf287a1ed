/* Which hosts serve a domain: what the two questions for SRV records come to (RFC 6120 §3.2, XEP-0368). */
#pragma once

#include "dial.h"
#include "dns/dns.h"
#include "dns/srv.h"

#define DISCOVER_MAX 16 /* hosts of a domain; those of the worst priority are left out */

struct discover {
	char name[DNS_NAME_MAX]; /* the domain in A-labels */
	struct dns_query *direct, *starttls;
	enum dns_status direct_status, starttls_status;
	bool is_none_secure; /* DNSSEC vouches for it that there are no records */
	struct srv found[2 * DNS_RECORDS_MAX];
	size_t n;
	char why[200];           /* the last of what was not found */
	enum dial_error error;   /* of why, where it could not begin */
	void (*done)(void *ctx); /* both were answered */
	void *ctx;
};

/* d is zeroed and stays where it is until discover_deinit. False: the domain is no name of the DNS, or too many questions are
 * under way, as why says. done is not called from inside. */
bool discover_start(
    struct discover *d, struct dns *dns, struct str domain, void (*done)(void *ctx), void *ctx);
void discover_deinit(struct discover *d);

/* Behind done: the hosts in the order in which they are tried; without any records the domain itself. 0 with *error_r: none. */
size_t discover_hosts(struct discover *d, struct srv out[DISCOVER_MAX],
    uint32_t (*below)(uint32_t limit), enum dial_error *error_r);
