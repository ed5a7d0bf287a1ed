/* Connections to other servers: from a domain to a connected socket (RFC 6120 §3.2, XEP-0368, XEP-0495).
 *
 *   dial_new ──▶ route? ─▶ connecting
 *                address? ─▶ connecting
 *                else SRV ─▶ hosts by priority ─▶ A, AAAA, TLSA ─▶ connecting, several at a time
 *   connecting ──▶ open ──dial_next──▶ connecting … ──▶ failed
 *
 * Events come from the loop, never from inside a call. In an event the owner may call dial_next (in open) and dial_free. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"
#include "tls/dane.h"

#define DIAL_PORT 5269
#define DIAL_HOST_MAX 256

struct dialer; /* one per process */
struct dial;   /* one attempt to reach a domain */

/* An own listening socket: what is reached there is ourselves. */
struct dial_listener {
	const char *address; /* "*": all */
	uint16_t port;
};

struct dialer_settings {
	const char *resolver; /* ADDRESS or ADDRESS@PORT; "": those of /etc/resolv.conf */
	const char *trust_anchor; /* file with DS or DNSKEY of the root, or of a closed network's zones; "": the system's */
	bool validate;       /* DNSSEC; without it DANE is not used */
	unsigned timeout_ms; /* from dial_new until open or failed; 4000 */
	unsigned failure_ms; /* how long a failure is remembered; 10000; 0: not at all */
	const struct dial_listener *listeners; /* copied */
	size_t n_listeners;
};

/* In the open hook: reads what needs files. NULL with *err. */
struct dialer *dialer_new(const struct dialer_settings *s, struct err *err);
/* In the threads hook, before seccomp: starts the resolver's thread. -1 with *err. */
int dialer_threads(struct dialer *d, struct loop *loop, struct err *err);
/* Beyond what sandbox.inet_connect allows, up to -1: for struct sandbox. */
extern const int dialer_syscalls[];
/* All dials must have been freed. */
void dialer_free(struct dialer **d);

/* Static routes, for names that are not in the DNS. target: HOST, HOST:PORT, [IPV6]:PORT; HOST is a name or an address. Replaces
 * the domain's one of before; -1 with *err when it cannot be understood, or there are ROUTES_MAX. domain: prepared. */
#define ROUTES_MAX 10000
int dialer_route_set(struct dialer *d, struct str domain, struct str target, struct err *err);
bool dialer_route_del(struct dialer *d, struct str domain);
void dialer_route_clear(struct dialer *d);
void dialer_route_each(const struct dialer *d,
    void (*fn)(void *ctx, const char *domain, const char *target), void *ctx);
/* For the check of settings, without a dialer. */
int dial_check_target(struct str target, struct err *err);

/* Forgets the failure that is remembered of a domain (jackdawctl s2s retry). */
void dialer_forget(struct dialer *d, struct str domain);

enum dial_error {
	DIAL_NOT_FOUND,  /* the DNS has no such name, or no address for it */
	DIAL_NO_SERVICE, /* the DNS says that there is no XMPP service for servers (SRV ".") */
	DIAL_DNS,        /* the DNS did not answer, or not credibly */
	DIAL_TIMEOUT,    /* nobody answered in time */
	DIAL_REFUSED,    /* the last candidate refused, or could not be reached */
	DIAL_OURSELVES,  /* every way leads to one of our own listeners */
	DIAL_UNUSABLE,   /* dial_next after the last one */
};

/* The condition for the sender's error (F-36): remote-server-not-found, else remote-server-timeout. */
static inline bool
dial_error_is_not_found(enum dial_error e)
{
	return e == DIAL_NOT_FOUND || e == DIAL_NO_SERVICE || e == DIAL_DNS;
}

struct dial_target {
	char host[DIAL_HOST_MAX]; /* A-labels; of an address: its text */
	char address[46];
	uint16_t port;
	bool is_direct_tls; /* ALPN xmpp-server, no STARTTLS */
	bool is_secure;     /* all that led here was vouched for by DNSSEC */
	/* For struct tls_client; only if is_secure. Borrowed until dial_next or dial_free. */
	const struct tlsa *tlsa;
	size_t n_tlsa;
};

struct dial_events {
	/* A connected, non-blocking socket, which is the owner's now. */
	void (*open)(void *ctx, int fd, const struct dial_target *target);
	/* Nothing is left to try. step: what was done last and how it ended, for the log and the error's text; borrowed. */
	void (*failed)(void *ctx, enum dial_error error, const char *step);
};

/* domain: prepared. The events and ctx must live until dial_free. */
struct dial *dial_new(
    struct dialer *d, struct str domain, const struct dial_events *events, void *ctx);
/* Behind open: that one was no good (TLS or the stream failed); open or failed follows. */
void dial_next(struct dial *d);
/* At any time, also within an event; may point to NULL. */
void dial_free(struct dial **d);
