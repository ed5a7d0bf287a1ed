/* jackdawctl domain check: which records of the DNS lead clients and other servers to a domain, which of them are there, and
 * whether the certificate is made for the names that are served.
 *
 * A line for each, which begins with a word: ok, missing, wrong, wish, note, or unknown when nobody could be asked. The exit status
 * says whether all is well. What must not be missing is the way in: a record for direct TLS is only a wish. keyd is asked first, since
 * that takes root or the suite's owner; what strangers wrote into the DNS is read without. */
#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jid.h"
#include "base/mem.h"
#include "commands.h"
#include "lookup.h"
#include "names.h"
#include "suite.h"

struct wanted {
	const char *name;
	int port; /* before the offset */
	bool for_clients;
	bool is_optional;
};

static const struct wanted WANTED[] = {
    {"_xmpp-client._tcp", 5222, true, false},
    {"_xmpps-client._tcp", 5223, true, true},
    {"_xmpp-server._tcp", 5269, false, false},
    {"_xmpps-server._tcp", 5270, false, true},
};

#define NOBODY 65534
#define N_WANTED COUNT(WANTED)

struct report {
	struct ctl *ctl;
	struct dns *dns;
	bool is_bad;
};

static void __attribute__((format(printf, 3, 4)))
say(struct report *r, const char *word, const char *fmt, ...)
{
	va_list args;

	if (strcmp(word, "ok") != 0 && strcmp(word, "wish") != 0 && strcmp(word, "note") != 0)
		r->is_bad = true;
	printf("%-8s ", word);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* ---- addresses ---- */

struct addresses {
	struct question q[2]; /* AAAA, A */
};

static bool
addresses_ask(struct report *r, struct addresses *a, const char *name)
{
	*a = (struct addresses){.q = {{.type = DNS_AAAA}, {.type = DNS_A}}};
	for (size_t i = 0; i < COUNT(a->q); i++)
		snprintf(a->q[i].name, sizeof(a->q[i].name), "%s", name);
	lookup_all(r->dns, a->q, COUNT(a->q));
	return a->q[0].n + a->q[1].n > 0;
}

/* "192.0.2.1, 2001:db8::1" */
static void
addresses_text(const struct addresses *a, char *out, size_t cap)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < COUNT(a->q); i++)
		for (size_t k = 0; k < a->q[i].n && at < cap; k++)
			at += (size_t)snprintf(
			    out + at, cap - at, "%s%s", at ? ", " : "", a->q[i].records[k].text);
}

/* ---- services ---- */

/* RFC 7673: of use where the SRV record, the address and the TLSA record are all signed; servers look at it, clients hardly do. */
static void
check_tlsa(struct report *r, const struct question *srv, size_t i, bool is_secure)
{
	struct question q = {.type = DNS_TLSA};

	snprintf(
	    q.name, sizeof(q.name), "_%u._tcp.%s", srv->records[i].port, srv->records[i].target);
	lookup_all(r->dns, &q, 1);
	if (q.status == DNS_BROKEN && is_secure)
		say(r, "wrong", "%s TLSA: %s; others will not come here", q.name, q.why);
	for (size_t k = 0; k < q.n; k++) {
		if (is_secure && q.is_secure)
			say(r, "ok", "%s TLSA %s, by DNSSEC", q.name, q.records[k].text);
		else
			say(r, "note",
			    "%s TLSA %s is not used: DNSSEC does not vouch for all that leads to it",
			    q.name, q.records[k].text);
	}
}

static bool
are_secure(const struct addresses *a)
{
	for (size_t i = 0; i < COUNT(a->q); i++)
		if (a->q[i].n > 0 && !a->q[i].is_secure)
			return false;
	return true;
}

static void
check_target(struct report *r, const struct question *q, size_t i, const struct wanted *s)
{
	int port = s->port + r->ctl->suite.port_offset;
	struct addresses a;
	char text[512];

	if (q->records[i].target[0] == '\0') {
		say(r, "wrong", "%s SRV %s says that there is no such service", q->name,
		    q->records[i].text);
	} else if (!addresses_ask(r, &a, q->records[i].target)) {
		say(r, "wrong", "%s SRV %s, but %s has no address: %s", q->name, q->records[i].text,
		    q->records[i].target, a.q[1].why);
	} else {
		addresses_text(&a, text, sizeof(text));
		if ((int)q->records[i].port == port)
			say(r, "ok", "%s SRV %s (%s)", q->name, q->records[i].text, text);
		else
			say(r, "ok", "%s SRV %s (%s); the port here is %d", q->name,
			    q->records[i].text, text, port);
		if (!s->for_clients)
			check_tlsa(r, q, i, q->is_secure && are_secure(&a));
	}
}

/* Without SRV records the domain's own addresses and the usual port count (RFC 6120 §3.2.2). */
static void
check_missing(struct report *r, const struct question *q, const struct wanted *s, int port,
    const struct addresses *own)
{
	char text[512];

	addresses_text(own, text, sizeof(text));
	if (s->is_optional)
		say(r, "wish", "%s SRV 0 5 %d HOST would allow TLS from the first byte", q->name,
		    port);
	else if (text[0] != '\0' && port == s->port)
		say(r, "ok", "%s has no SRV: port %d of the domain itself is used (%s)", q->name,
		    port, text);
	else
		say(r, "missing", "%s SRV 0 5 %d HOST", q->name, port);
}

static void
check_service(
    struct report *r, const struct question *q, const struct wanted *s, const struct addresses *own)
{
	int port = s->port + r->ctl->suite.port_offset;

	if (q->status == DNS_BROKEN)
		say(r, "unknown", "%s SRV 0 5 %d HOST: %s", q->name, port, q->why);
	else if (q->n == 0)
		check_missing(r, q, s, port, own);
	for (size_t i = 0; i < q->n; i++)
		check_target(r, q, i, s);
}

static void
tell_dnssec(struct report *r, const struct question *q)
{
	if (q->status == DNS_BROKEN)
		return; /* said already */
	if (q->is_secure)
		say(r, "ok", "%s: DNSSEC vouches for what the DNS says", q->name);
	else if (dns_trust(r->dns) == DNS_TRUST_UNSIGNED)
		say(r, "note",
		    "%s: this resolver does not pass on signatures: ask another one about DNSSEC",
		    q->name);
	else if (dns_trust(r->dns) == DNS_TRUST_OFF)
		say(r, "note", "%s: DNSSEC was not asked for: there is no trust anchor", q->name);
	else
		say(r, "note", "%s: not signed (DNSSEC), so DANE cannot be used", q->name);
}

static void
check_records(struct report *r, const char *ascii, bool has_users)
{
	struct question *q = mem_new_array(N_WANTED, sizeof(*q));
	struct addresses own;
	size_t first = 0;

	while (!has_users && WANTED[first].for_clients)
		first++;
	for (size_t i = first; i < N_WANTED; i++) {
		q[i].type = DNS_SRV;
		snprintf(q[i].name, sizeof(q[i].name), "%s.%s", WANTED[i].name, ascii);
	}
	lookup_all(r->dns, q + first, N_WANTED - first);
	addresses_ask(r, &own, ascii);
	for (size_t i = first; i < N_WANTED; i++)
		check_service(r, &q[i], &WANTED[i], &own);
	tell_dnssec(r, &q[N_WANTED - 2]); /* servers' */
	free(q);
}

/* ---- the certificate ---- */

/* keyd knows which one is shown for a name. */
static void
check_certificate(struct report *r, struct str name)
{
	char line[JID_PART_MAX + 16];
	const struct control_call call = {.program = program_of(ROLE_KEYD), .line = line};
	struct buf out = {0};
	struct str word, text;
	struct err err;

	snprintf(line, sizeof(line), "check %.*s", STR_ARG(name));
	if (suite_running(r->ctl, program_of(ROLE_KEYD), 0) <= 0) {
		say(r, "unknown", "certificate of %.*s: keyd does not run", STR_ARG(name));
	} else if (suite_control(r->ctl, &call, &out, &err) != 0) {
		say(r, "unknown", "certificate of %.*s: %s", STR_ARG(name), err.text);
	} else {
		char first[16];
		str_split(str_trim(buf_str(&out)), ' ', &word, &text);
		if (!str_copy(first, sizeof(first), word))
			first[0] = '\0';
		say(r, first, "certificate of %.*s: %.*s", STR_ARG(name), STR_ARG(text));
	}
	buf_deinit(&out);
}

/* ---- all of it ---- */

static void
check_name(struct report *r, struct str name, bool has_users)
{
	char ascii[DNS_NAME_MAX];

	if (dns_name(ascii, name))
		check_records(r, ascii, has_users);
	else
		say(r, "wrong", "%.*s cannot be a name of the DNS", STR_ARG(name));
}

static bool
is_below(struct str name, struct str domain)
{
	return name.n > domain.n + 1 && str_ends(name, domain) &&
	    name.p[name.n - domain.n - 1] == '.';
}

/* EINVAL: a user namespace without a nobody, where root is none. */
static int
give_up_root(struct err *err)
{
	if (geteuid() != 0)
		return 0;
	if ((setgroups(0, NULL) == 0 || errno == EPERM) &&
	    (setresgid(NOBODY, NOBODY, NOBODY) == 0 || errno == EINVAL) &&
	    (setresuid(NOBODY, NOBODY, NOBODY) == 0 || errno == EINVAL))
		return 0;
	return err_set(err, "cannot give up root: %s", strerror(errno));
}

static void
check_all(struct report *r, struct str domain, bool has_users)
{
	const struct suite *s = &r->ctl->suite;

	check_name(r, domain, has_users);
	for (size_t i = 0; i < s->n_components; i++)
		if (is_below(str_z(s->components[i]), domain))
			check_name(r, str_z(s->components[i]), false);
}

static void
check_certificates(struct report *r, struct str domain)
{
	const struct suite *s = &r->ctl->suite;

	check_certificate(r, domain);
	for (size_t i = 0; i < s->n_components; i++)
		if (is_below(str_z(s->components[i]), domain))
			check_certificate(r, str_z(s->components[i]));
}

int
domain_check(struct ctl *c, int argc, char **argv)
{
	struct report r = {.ctl = c};
	struct jid_buf buf;
	struct str domain;
	struct err err;

	if (!jid_prepare_domain(&domain, &buf, str_z(argv[0])))
		return ctl_error("%s is no domain name", argv[0]);
	if (suite_open(c, &err) != 0)
		return ctl_error("%s", err.text);
	bool has_users = names_have(c->suite.domains, c->suite.n_domains, domain);
	if (!has_users && !names_have(c->suite.components, c->suite.n_components, domain))
		return ctl_error("%.*s is not served", STR_ARG(domain));
	check_certificates(&r, domain);
	fflush(stdout);
	if (give_up_root(&err) != 0)
		return ctl_error("%s", err.text);
	r.dns = lookup_open(argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL, &err);
	if (!r.dns)
		return ctl_error("%s", err.text);
	check_all(&r, domain, has_users);
	dns_free(&r.dns);
	return r.is_bad ? STATUS_FAILED : STATUS_OK;
}
