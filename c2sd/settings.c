/* c2sd's settings. Limits are those of SECURITY.md §4.3. */
/* table */
#include "settings.h"

#include <string.h>

#include "base/mem.h"

#define AT(member) offsetof(struct c2sd_settings, member)

static const struct setting LISTENER_TABLE[] = {
    LISTENER_ROWS("*", "5222"),
    LISTENER_TLS_ROW("required", "required|optional|direct",
	"required: STARTTLS before anything else; optional: STARTTLS offered, SCRAM allowed without; direct: TLS "
	"from the first byte"),
    SETTING_BOOL_ROW("client_certificates", LISTENER_AT(certificates), "false",
	"Clients are asked for a certificate, with which they may log in (SASL EXTERNAL) if client_ca_file verifies it and "
	"authd.conf has client_certificates too; their TLS is not resumed"),
    SETTING_BOOL_ROW("server_streams", LISTENER_AT(servers), "false",
	"Servers may come to it too: a stream that begins with jabber:server is handed over to s2sd, if s2sd.conf has "
	"shared_listeners; not with tls = direct"),
    {.name = NULL},
};

#define INT(key, member, ...) SETTING_INT_ROW(key, AT(member), __VA_ARGS__)

const struct setting c2sd_settings_table[] = {
    LISTENERS_ROW(AT(listeners), LISTENER_TABLE,
	"\"c2s\" on 5222 (required) and \"c2s-direct\" on 5223 (direct)"),
    {.name = "mechanisms",
	.type = SETTING_LIST,
	.offset = AT(mechanisms),
	.def = "{SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN}",
	.max = 32,
	.help = "SASL mechanisms, in the order of offering; the -PLUS form of SCRAM goes with it"},
    {.name = "client_ca_file",
	.is_file = true,
	.type = SETTING_STRING,
	.offset = AT(client_ca_file),
	.def = "",
	.max = 4000,
	.help =
	    "Certificates (PEM) of those who may vouch for our users, which should be nobody but ourselves: clients' certificates "
	    "are verified with them"},
    {.name = "client_crl_file",
	.is_file = true,
	.type = SETTING_STRING,
	.offset = AT(client_crl_file),
	.def = "",
	.max = 4000,
	.help =
	    "Their revocation lists (PEM): a certificate in one of them is not taken, and ends the streams that were begun with it "
	    "when jackdawctl reload brings a new list; empty: none"},
    SETTING_BOOL_ROW("forgive_unknown_binding", AT(forgive_unknown_binding), "true",
	"A client that tried a channel binding which TLS 1.3 has not (tls-unique) may then log in without any, though "
	"it says that it knows of them; slixmpp before 1.9 needs it. Off: nobody may, which is safer against somebody "
	"in between who has a certificate for the domain and takes -PLUS out of the list"),
    {.name = "language",
	.type = SETTING_ENUM,
	.offset = AT(language),
	.def = "en",
	.text = "en|de|fr",
	.help =
	    "What clients are told in words is in this language, unless their stream asks for another one of these"},
    EXEMPT_ROW(AT(door.exempt), "per-source limits and of shaping"),
    STRANGER_LIMIT_ROWS(AT(stranger), "32"),
    STANZA_LIMIT_ROWS(AT(stanza), "262144", 393216, "4096", "262144"),
    INT("tls_seconds", tls_seconds, "10", 1, 300, "Longest TLS handshake"),
    INT("preauth_seconds", preauth_seconds, "30", 2, 600,
	"Longest time from the connection to a session"),
    INT("idle_seconds", idle_seconds, "300", 1, 86400,
	"A session that is silent for so long is asked for a sign of life"),
    INT("dead_seconds", dead_seconds, "900", 2, 604800,
	"A session that is silent for so long is ended; longer than idle_seconds"),
    INT("stall_seconds", door.stall_seconds, "60", 5, 3600,
	"A connection that takes nothing of what it is sent for so long is ended"),
    INT("linger_seconds", linger_seconds, "5", 0, 60,
	"How long a closing connection may still take what is queued"),
    INT("preauth_max", door.strangers, "4096", 1, 1000000,
	"Connections without a session, all together; from half of it on new ones are dropped at random"),
    INT("connections_max", door.connections, "100000", 1, 10000000, "Connections, all together"),
    INT("source_connections", door.source_connections, "20", 1, 1000000,
	"Connections without a session from one source"),
    INT("source_per_minute", door.source_per_minute, "60", 1, 1000000,
	"New connections from one source in a minute"),
    INT("auth_failures", auth_failures, "5", 1, 100,
	"Failed authentications on a stream before it is closed"),
    INT("bind_failures", bind_failures, "10", 1, 100,
	"Refused requests to bind a resource on a stream before it is closed"),
    INT("rate_bytes", rate.bytes_per_second, "500000", 1000, 1000000000,
	"Bytes per second that a session may send on average; one of an administrator as fast as it likes"),
    INT("burst_bytes", rate.burst_bytes, "1048576", 10000, 1000000000,
	"Bytes that a session may send at once"),
    INT("away_bytes", away_bytes, "262144", 16384, 1000000000,
	"Bytes that a session may have on the way to other servers; over it the session is not read until they have taken half, or nothing for 2 s"),
    INT("out_bytes", out_bytes, "2097152", 1114112, 1000000000,
	"Bytes that may wait for a connection; sessiond's window_bytes keeps it far below"),
    {.name = NULL},
};

static const struct listener_settings USUAL[] = {
    {.title = "c2s", .address = "*", .port = 5222, .tls = LISTENER_REQUIRED},
    {.title = "c2s-direct", .address = "*", .port = 5223, .tls = LISTENER_DIRECT},
};

struct listeners
c2sd_listeners(const struct daemon *d)
{
	const struct c2sd_settings *s = d->settings;

	return listeners_in_force(d, &s->listeners, USUAL, COUNT(USUAL));
}

void
c2sd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx)
{
	struct listeners l = c2sd_listeners(d);

	listeners_print(&l, add, ctx);
}

#define MECHANISMS_MAX 4

static bool
mechanism_is_known(const char *name)
{
	static const char *const KNOWN[] = {
	    "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"};

	for (size_t i = 0; i < COUNT(KNOWN); i++)
		if (strcmp(name, KNOWN[i]) == 0)
			return true;
	return false;
}

/* Each is offered twice, with and without -PLUS; the list must fit into a message. */
static int
check_mechanisms(const struct c2sd_settings *s, struct err *err)
{
	if (s->mechanisms.n == 0 || s->mechanisms.n > MECHANISMS_MAX)
		return err_set(err, "mechanisms: name at least one, and each of them once");
	for (size_t i = 0; i < s->mechanisms.n; i++)
		if (!mechanism_is_known(s->mechanisms.v[i]))
			return err_set(err,
			    "mechanisms: \"%s\" is none of SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN",
			    s->mechanisms.v[i]);
	return 0;
}

static int
check_certificates(const struct c2sd_settings *s, struct err *err)
{
	const struct listener_settings *l = s->listeners.v;

	for (size_t i = 0; i < s->listeners.n; i++)
		if (l[i].certificates && !*s->client_ca_file)
			return err_set(err,
			    "listener \"%s\": client_certificates needs client_ca_file", l[i].title);
	return 0;
}

/* What is under TLS already stays here. */
static int
check_servers(const struct c2sd_settings *s, struct err *err)
{
	const struct listener_settings *l = s->listeners.v;

	for (size_t i = 0; i < s->listeners.n; i++)
		if (l[i].servers && l[i].tls == LISTENER_DIRECT)
			return err_set(err,
			    "listener \"%s\": server_streams needs STARTTLS, not tls = direct: nothing can be handed over under TLS",
			    l[i].title);
	return 0;
}

int
c2sd_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct c2sd_settings *s = settings;

	if (s->dead_seconds <= s->idle_seconds)
		return err_set(err, "dead_seconds (%lld) must be longer than idle_seconds (%lld)",
		    (long long)s->dead_seconds, (long long)s->idle_seconds);
	if (listeners_check(d, &s->listeners, err) != 0 || door_check(&s->door, err) != 0 ||
	    check_certificates(s, err) != 0 || check_servers(s, err) != 0)
		return -1;
	return check_mechanisms(s, err);
}
