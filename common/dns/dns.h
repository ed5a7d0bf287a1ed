/* Questions to the DNS, answered later, by libunbound: it asks, follows aliases, validates (DNSSEC) and remembers, in a thread of
 * its own. The only folder that includes unbound.h. Not part of a loop: the owner watches dns_fd for reading and calls
 * dns_process. Deadlines are the owner's: libunbound may try for a minute. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct dns;
struct dns_query;

#define DNS_NAME_MAX 256     /* of a name as text, with its NUL */
#define DNS_QUERIES_MAX 4096 /* at the same time */
#define DNS_RECORDS_MAX 64   /* of an answer; more are not looked at */

enum dns_type {
	DNS_A = 1,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};
const char *dns_type_name(enum dns_type type);

enum dns_status {
	DNS_FOUND,
	DNS_NONE,   /* there is no such name, or no such record */
	DNS_BROKEN, /* no server answered, or none credibly */
};

struct dns_answer {
	enum dns_status status;
	bool is_secure;                    /* DNSSEC vouches for it, also for DNS_NONE */
	struct str rdata[DNS_RECORDS_MAX]; /* on the wire's form, names in it uncompressed; borrowed */
	size_t n;
	const char *why; /* DNS_NONE, DNS_BROKEN: in a few words; borrowed */
};

/* The query is over: its handle is not valid any more. */
typedef void dns_fn(void *ctx, const struct dns_answer *answer);

struct dns_settings {
	const char *resolver; /* ADDRESS or ADDRESS@PORT; NULL or "": those of /etc/resolv.conf */
	/* A file of DS or DNSKEY records. NULL or "": the system's for the root, if there is one; and behind a resolver that does not
	 * pass the root's signatures on, answers are taken without (enum dns_trust). With a file of one's own they are not. */
	const char *trust_anchor;
	bool validate;
};

/* What the resolver makes of DNSSEC. It is asked for the root's keys: a resolver that has them is never taken at less again, so a
 * signature that is wrong or missing is a broken answer. */
enum dns_trust {
	DNS_TRUST_OFF,     /* nothing is validated: no anchor */
	DNS_TRUST_UNKNOWN, /* not found out yet */
	DNS_TRUST_SIGNED,
	DNS_TRUST_UNSIGNED, /* no root's keys, but answers: they are taken, and are never secure; asked again now and then */
};

/* Reads /etc/resolv.conf, /etc/hosts and the trust anchor: before the sandbox. NULL with *err. */
struct dns *dns_new(const struct dns_settings *s, struct err *err);
/* May change in dns_process. */
enum dns_trust dns_trust(const struct dns *d);
/* Starts the threads, DNS_THREADS at most, before seccomp. -1 with *err. */
#define DNS_THREADS 2
int dns_start(struct dns *d, struct err *err);
/* Queries that are left are cancelled. */
void dns_free(struct dns **d);

int dns_fd(const struct dns *d);
/* Calls back for what has been answered. */
void dns_process(struct dns *d);
/* name: A-labels; a dot at the end is understood. fn is called by dns_process, once. NULL: DNS_QUERIES_MAX are under way. */
struct dns_query *dns_ask(
    struct dns *d, const char *name, enum dns_type type, dns_fn *fn, void *ctx);
/* fn is not called any more. */
void dns_cancel(struct dns_query **q);

/* A name as the DNS has it: A-labels, lower case. False when it is none: too long, an address. domain: prepared. */
bool dns_name(char out[DNS_NAME_MAX], struct str domain);
