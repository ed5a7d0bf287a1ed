/* s2sd's settings. Limits are those of SECURITY.md §4.3. */
/* table */
#include "settings.h"

#include <string.h>

#include "base/mem.h"

#define AT(member) offsetof(struct s2sd_settings, member)
#define DOMAIN_AT(member) offsetof(struct domain_settings, member)

static int
check_domain(const char *value, struct err *err)
{
	struct jid_buf buf;
	struct str s, name = str_z(value);

	if (str_starts(name, S("*.")))
		name = str_from(name, 2);
	return jid_prepare_domain(&s, &buf, name)
	    ? 0
	    : err_set(err, "\"%s\" is no domain name; write it as example.org, or *.example.org",
		  value);
}

/* DOMAIN HOST:PORT; what the host is, is the dialer's to say. */
static int
check_route(const char *value, struct err *err)
{
	struct str domain, target, port = S("");
	uint64_t n;
	struct jid_buf buf;
	struct str name;

	str_split(str_z(value), ' ', &domain, &target);
	for (size_t i = target.n; i > 0 && str_empty(port); i--)
		if (target.p[i - 1] == ':')
			port = str_from(target, i);
	if (jid_prepare_domain(&name, &buf, domain) && target.n > port.n + 1 && str_u64(port, &n) &&
	    n > 0 && n < 65536)
		return 0;
	return err_set(err, "\"%s\" is no route; write it as \"example.org host:5269\"", value);
}

static const struct setting LISTENER_TABLE[] = {
    LISTENER_ROWS("*", "5269"),
    LISTENER_TLS_ROW("starttls", "starttls|direct",
	"starttls: as the policy says; direct: TLS from the first byte"),
    {.name = NULL},
};

#define DOMAIN_POLICY(words_)                                                                \
	{                                                                                    \
		.name = "policy", .type = SETTING_ENUM, .offset = DOMAIN_AT(policy),         \
		.def = "default", .text = "default|required|required-verified|optional|off", \
		.help = words_                                                               \
	}
#define DIRECTION(key, help_) SETTING_BOOL_ROW(#key, DOMAIN_AT(key), "true", help_)

static const struct setting LOCAL_TABLE[] = {
    DOMAIN_POLICY("As the policy for all, for links of this domain of ours"),
    DIRECTION(incoming, "Other servers may open streams to this domain"),
    DIRECTION(outgoing, "Streams to other servers are opened for this domain"),
    {.name = "dialback_secret",
	.type = SETTING_STRING,
	.offset = DOMAIN_AT(secret),
	.def = "",
	.max = 256,
	.secret = true,
	.help = "Secret of this domain's dialback keys; empty: the common one"},
    {.name = NULL},
};

static const struct setting REMOTE_TABLE[] = {
    DOMAIN_POLICY("As the policy for all, for links with this domain; goes before a local domain's"),
    DIRECTION(incoming, "This domain may open streams to us"),
    DIRECTION(outgoing, "Streams to this domain are opened"),
    {.name = NULL},
};

#define INT(key, member, ...) SETTING_INT_ROW(key, AT(member), __VA_ARGS__)

const struct setting s2sd_settings_table[] = {
    LISTENERS_ROW(AT(listeners), LISTENER_TABLE,
	"\"s2s\" on 5269 (starttls) and \"s2s-direct\" on 5270 (direct)"),
    {.name = "shared_listeners",
	.at_start = true,
	.type = SETTING_BOOL,
	.offset = AT(shared_listeners),
	.def = "false",
	.help =
	    "Servers may come to listeners for clients too: to those of c2sd.conf with server_streams, whose connections are handed "
	    "over"},
    {.name = "policy",
	.type = SETTING_ENUM,
	.offset = AT(policy),
	.def = "required",
	.text = "required|required-verified|optional|off",
	.help =
	    "required: TLS, then a certificate that verifies or dialback; required-verified: TLS and such a certificate; "
	    "optional: TLS if the other side has it; off: no TLS (closed networks)"},
    SETTING_BOOL_ROW("dialback", AT(dialback), "true",
	"Server dialback (XEP-0220) where a certificate does not verify"),
    {.name = "dialback_secret",
	.type = SETTING_STRING,
	.offset = AT(dialback_secret),
	.def = "",
	.max = 256,
	.secret = true,
	.help =
	    "Secret of the dialback keys, the same in all processes; \"jackdawctl init\" writes one. Empty: a random one, "
	    "which only does for a single process"},
    {.name = "local",
	.type = SETTING_SECTIONS,
	.offset = AT(locals),
	.section = LOCAL_TABLE,
	.section_size = sizeof(struct domain_settings),
	.help = "What holds for one of our domains; its name is the title"},
    {.name = "remote",
	.type = SETTING_SECTIONS,
	.offset = AT(remotes),
	.section = REMOTE_TABLE,
	.section_size = sizeof(struct domain_settings),
	.help = "What holds for one domain of others; its name is the title"},
    {.name = "allow",
	.type = SETTING_LIST,
	.offset = AT(allow),
	.def = "{}",
	.max = 1025,
	.check = check_domain,
	.help = "Only these domains are talked with (*.example.org: all below it); empty: with all"},
    {.name = "deny",
	.type = SETTING_LIST,
	.offset = AT(deny),
	.def = "{}",
	.max = 1025,
	.check = check_domain,
	.help = "These are not; goes before allow"},
    {.name = "routes",
	.type = SETTING_LIST,
	.offset = AT(routes),
	.def = "{}",
	.max = 2048,
	.check = check_route,
	.help =
	    "Servers that are not looked for in the DNS: \"DOMAIN HOST:PORT\", an IPv6 address in brackets; see jackdawctl "
	    "route"},
    {.name = "resolver",
	.at_start = true,
	.type = SETTING_STRING,
	.offset = AT(resolver),
	.def = "",
	.max = 64,
	.help = "Address of the DNS resolver, ADDRESS or ADDRESS@PORT; empty: those of the system"},
    {.name = "trust_anchor",
	.at_start = true,
	.type = SETTING_STRING,
	.offset = AT(trust_anchor),
	.def = "",
	.max = 4000,
	.help =
	    "File with DS or DNSKEY records from which answers of the DNS are validated, without exception; empty: the root's, from "
	    "package dns-root-data, unless the resolver does not pass on signatures (then DANE is not used); none: answers are not "
	    "validated"},
    {.name = "ca_file",
	.is_file = true,
	.type = SETTING_STRING,
	.offset = AT(ca_file),
	.def = "",
	.max = 4000,
	.help =
	    "Certificates (PEM) that others' certificates are verified with, also those of streams that are there when jackdawctl "
	    "reload brings others; empty: the system's, as they were at the start"},
    {.name = "crl_file",
	.is_file = true,
	.type = SETTING_STRING,
	.offset = AT(crl_file),
	.def = "",
	.max = 4000,
	.help =
	    "Revocation lists (PEM) of those CAs, for closed networks; the same holds for them; empty: none"},
    EXEMPT_ROW(AT(door.exempt), "per-source limits and of shaping"),
    STRANGER_LIMIT_ROWS(AT(stranger), "64"),
    STANZA_LIMIT_ROWS(AT(stanza), "393216", 393216, "4096", "262144"),
    INT("tls_seconds", tls_seconds, "10", 1, 300, "Longest TLS handshake of an incoming stream"),
    INT("preauth_seconds", preauth_seconds, "30", 2, 600,
	"Longest time from the connection until it is known who has made it"),
    INT("setup_ms", setup_ms, "3500", 100, 300000,
	"Milliseconds until an outgoing link must be there; then what waits for it gets remote-server-timeout"),
    INT("idle_seconds", idle_seconds, "600", 1, 604800,
	"A stream that carried nothing for so long is closed; an incoming one after twice the time"),
    INT("stall_seconds", door.stall_seconds, "60", 5, 3600,
	"A connection that takes nothing of what it is sent for so long is ended"),
    INT("ack_seconds", ack_seconds, "60", 5, 3600,
	"So is one with stream management that acknowledges nothing for so long"),
    INT("linger_seconds", linger_seconds, "5", 0, 60,
	"How long a closing stream waits for the other side's last acknowledgement and its end"),
    INT("queue_seconds", queue_seconds, "60", 1, 3600,
	"Longest time that a stanza waits for a link, set-ups included; then it gets remote-server-timeout"),
    INT("live_ms", live_ms, "1000", 1, 60000,
	"While no stanza for a domain has waited for so many milliseconds, as many may wait as its senders have under way; then "
	"queue_bytes and queues_bytes hold"),
    INT("queue_bytes", queue_bytes, "1048576", 65536, 1000000000,
	"Bytes that may wait for one domain; over it stanzas get resource-constraint, the last first"),
    /* Half of a window of the bus, at which its senders go on, or dead servers would hold up all others (DESIGN.md §3). */
    INT("queues_bytes", queues_bytes, "2097152", 65536, 2097152,
	"Bytes that may wait for all such domains; the same"),
    INT("preauth_max", door.strangers, "4096", 1, 1000000,
	"Connections of nobody knows whom, all together; from half of it on new ones are dropped at random"),
    INT("connections_max", door.connections, "20000", 1, 10000000,
	"Incoming connections, all together"),
    INT("source_connections", door.source_connections, "20", 1, 1000000,
	"Connections of nobody knows whom from one source"),
    INT("source_per_minute", door.source_per_minute, "60", 1, 1000000,
	"New connections from one source in a minute"),
    INT("rate_bytes", rate.bytes_per_second, "1000000", 1000, 1000000000,
	"Bytes per second that an incoming stream may send on average"),
    INT("burst_bytes", rate.burst_bytes, "4194304", 10000, 1000000000,
	"Bytes that an incoming stream may send at once"),
    INT("out_bytes", out_bytes, "2097152", 1114112, 1000000000,
	"Bytes that may wait for a connection"),
    {.name = NULL},
};

static const struct listener_settings USUAL[] = {
    {.title = "s2s", .address = "*", .port = 5269, .tls = LISTENER_STARTTLS},
    {.title = "s2s-direct", .address = "*", .port = 5270, .tls = LISTENER_DIRECT},
};

struct listeners
s2sd_listeners(const struct daemon *d)
{
	const struct s2sd_settings *s = d->settings;

	return listeners_in_force(d, &s->listeners, USUAL, COUNT(USUAL));
}

void
s2sd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx)
{
	struct listeners l = s2sd_listeners(d);

	listeners_print(&l, add, ctx);
}

struct str
policy_title(const char *title)
{
	struct str t = str_z(title), protocol = S("#xmpp#");

	return str_starts(t, protocol) ? str_from(t, protocol.n) : t;
}

static int
check_titles(const char *key, const struct setting_sections *sections, struct err *err)
{
	const struct domain_settings *d = sections->v;
	struct jid_buf buf;
	struct str name;

	for (size_t i = 0; i < sections->n; i++)
		if (!jid_prepare_domain(&name, &buf, policy_title(d[i].title)))
			return err_set(err, "%s: \"%s\" is no domain name", key, d[i].title);
	return 0;
}

/* A key that one process makes another one verifies. */
static int
check_secret(const struct daemon *d, const struct s2sd_settings *s, struct err *err)
{
	if (s->dialback_secret[0] || !s->dialback || d->suite.n_s2sd < 2)
		return 0;
	return err_set(err,
	    "dialback_secret: jackdaw.conf has %u processes of s2sd, which must have the same; set a long random one",
	    d->suite.n_s2sd);
}

int
s2sd_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct s2sd_settings *s = settings;

	if (listeners_check(d, &s->listeners, err) != 0 || door_check(&s->door, err) != 0 ||
	    check_titles("local", &s->locals, err) != 0 ||
	    check_titles("remote", &s->remotes, err) != 0)
		return -1;
	return check_secret(d, s, err);
}
