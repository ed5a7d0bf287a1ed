/* One host that may serve a domain: its addresses, and what DANE says of it. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "dial.h"
#include "dns/dns.h"
#include "dns/srv.h"

#define HOST_ADDRESSES_MAX 8 /* of each family; more are not looked at */

union host_sockaddr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct host_address {
	union host_sockaddr sa;
	bool is_secure;
};

/* Of one family. */
struct host_family {
	struct dns_query *query; /* NULL: not asked, or answered */
	struct host_address v[HOST_ADDRESSES_MAX];
	size_t n, next; /* next: the first that was not taken yet */
};

struct host {
	struct srv srv; /* name, port, how it was found */
	struct host_family v4, v6;
	struct dns_query *tlsa_query;
	struct tlsa tlsa[TLSA_MAX];
	size_t n_tlsa;
	struct arena arena; /* of the records' data */
	uint64_t first_ms;  /* when the first address came; 0: not yet */
	bool last_was_v6;
	bool is_barred;        /* DANE cannot be asked for: no address is given out */
	enum dial_error error; /* why there is no address (more) */
	char why[160];         /* empty: no error */
	struct loop *loop;
	void (*changed)(void *ctx); /* something was answered */
	void *ctx;
};

/* s: borrowed. An address as the target needs no answer. */
void host_init(struct host *h, const struct srv *s);
/* Asks for what is not known. */
void host_look_up(
    struct host *h, struct dns *dns, struct loop *loop, void (*changed)(void *ctx), void *ctx);
void host_deinit(struct host *h);

/* Whether everything was answered. */
bool host_is_known(const struct host *h);
/* An address may be taken: all is known, or what is there has waited long enough for the other family (RFC 8305 §3), or for
 * a host that comes first and is not known yet (XEP-0495). */
bool host_is_ready(const struct host *h, uint64_t now_ms, bool is_first);
/* The next one, the families in turn, IPv6 first (RFC 8305 §4). NULL: there is none now. */
const struct host_address *host_next(struct host *h);
/* Whether host_next would give one. */
bool host_has_more(const struct host *h);
/* Whether DANE can be used with this address. */
bool host_is_secure(const struct host *h, const struct host_address *a);

/* "192.0.2.1" */
void host_address_text(const union host_sockaddr *sa, char out[46]);
