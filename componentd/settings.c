/* componentd's settings. Its file holds the components' secrets. */
/* table */
#include "settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/jid.h"
#include "base/mem.h"

#define AT(member) offsetof(struct componentd_settings, member)
#define COMPONENT_AT(member) offsetof(struct component_settings, member)

static const struct setting LISTENER_TABLE[] = {
    LISTENER_ROWS("127.0.0.1", "5347"),
    LISTENER_TLS_ROW("off", "off|direct",
	"direct: TLS from the first byte, with the component's certificate from keyd"),
    {.name = "allow",
	.type = SETTING_LIST,
	.offset = LISTENER_AT(allow),
	.def = "{}",
	.max = 64,
	.check = network_check,
	.help = "Networks from which components may connect; empty: from everywhere"},
    {.name = NULL},
};

static const struct setting COMPONENT_TABLE[] = {
    {.name = "secret",
	.type = SETTING_STRING,
	.offset = COMPONENT_AT(secret),
	.def = "",
	.max = 1023,
	.secret = true,
	.help = "What it proves itself with; empty: the secret of all"},
    {.name = "conflict",
	.type = SETTING_ENUM,
	.offset = COMPONENT_AT(conflict),
	.def = "usual",
	.text = "refuse-new|kick-old|share|usual",
	.help = "What becomes of a second connection; usual: as for all"},
    SETTING_BOOL_ROW("validate_from", COMPONENT_AT(validate_from), "true",
	"It may speak for its own name only; off: for any component of this suite (never for users or other servers)"),
    {.name = NULL},
};

#define INT(key, member, ...) SETTING_INT_ROW(key, AT(member), __VA_ARGS__)

const struct setting componentd_settings_table[] = {
    LISTENERS_ROW(AT(listeners), LISTENER_TABLE,
	"\"component\" and \"component6\" on port 5347 of this machine alone (127.0.0.1 and ::1)"),
    {.name = "component",
	.type = SETTING_SECTIONS,
	.offset = AT(components),
	.section = COMPONENT_TABLE,
	.section_size = sizeof(struct component_settings),
	.help = "A component of jackdaw.conf's list"},
    {.name = "secret",
	.type = SETTING_STRING,
	.offset = AT(secret),
	.def = "",
	.max = 1023,
	.secret = true,
	.help = "Secret of the components without one of their own; empty: those cannot connect"},
    {.name = "conflict",
	.type = SETTING_ENUM,
	.offset = AT(conflict),
	.def = "refuse-new",
	.text = "refuse-new|kick-old|share",
	.help =
	    "A second connection for a name: refuse-new, kick-old, or share: both serve it, each sender's stanzas go to the same one"},
    EXEMPT_ROW(AT(door.exempt), "per-source limits"),
    INT("preauth_bytes", preauth_bytes, "10240", 1024, 262144,
	"Bytes of an element before the handshake"),
    STANZA_LIMIT_ROWS(AT(stanza), "524288", 524288, "16384", "1048576"),
    INT("handshake_seconds", handshake_seconds, "10", 1, 300,
	"Longest time from the connection to the handshake's end, TLS included"),
    INT("keepalive_seconds", keepalive_seconds, "30", 1, 3600,
	"A component that was sent nothing for so long gets a blank, so that a dead connection is noticed"),
    INT("stall_seconds", door.stall_seconds, "60", 2, 3600,
	"A connection that takes nothing of what it is sent for so long is ended, and its name free again"),
    INT("linger_seconds", linger_seconds, "2", 0, 60,
	"How long a closing connection may still take what is queued; then it is closed altogether"),
    INT("wait_seconds", wait_seconds, "40", 0, 600,
	"How long stanzas wait for a component that has just gone, or was not there yet since the start; then the senders get an "
	"error of type wait"),
    INT("strangers_max", door.strangers, "256", 1, 100000,
	"Connections before their handshake, all together; from half of it on new ones are dropped at random"),
    INT("connections_max", door.connections, "4096", 1, 1000000, "Connections, all together"),
    INT("source_connections", door.source_connections, "50", 1, 1000000,
	"Connections before their handshake from one source"),
    INT("source_per_minute", door.source_per_minute, "300", 1, 1000000,
	"New connections from one source in a minute"),
    INT("queue_bytes", queue_bytes, "262144", 65536, 2097152,
	"Bytes that may wait for a component; what does not fit is answered with resource-constraint"),
    /* Below the window of the bus, so that a component that is away holds nobody up. */
    INT("queues_bytes", queues_bytes, "2097152", 65536, 2097152,
	"The same, for all components together"),
    {.name = NULL},
};

/* ---- listeners ---- */

static const struct listener_settings USUAL[] = {
    {.title = "component", .address = "127.0.0.1", .port = 5347},
    {.title = "component6", .address = "::1", .port = 5347},
};

/* Not every machine has IPv6. */
static bool
has_address(const char *address)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6};
	int fd;
	bool has;

	if (inet_pton(AF_INET6, address, &at.sin6_addr) != 1)
		return true;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	has = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

struct listeners
componentd_listeners(const struct daemon *d)
{
	const struct componentd_settings *s = d->settings;
	size_t n = has_address(USUAL[1].address) ? 2 : 1;

	return listeners_in_force(d, &s->listeners, USUAL, n);
}

void
componentd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx)
{
	struct listeners l = componentd_listeners(d);

	listeners_print(&l, add, ctx);
}

/* ---- components ---- */

const struct component_settings *
settings_of_component(const struct componentd_settings *s, struct str name)
{
	const struct component_settings *all = s->components.v;

	for (size_t i = 0; i < s->components.n; i++) {
		struct jid_buf buf;
		struct str prepared;

		if (jid_prepare_domain(&prepared, &buf, str_z(all[i].title)) &&
		    str_eq(prepared, name))
			return &all[i];
	}
	return NULL;
}

/* ---- checks ---- */

static int
check_components(const struct componentd_settings *s, struct err *err)
{
	const struct component_settings *c = s->components.v;

	for (size_t i = 0; i < s->components.n; i++) {
		struct jid_buf buf;
		struct str name;

		if (!jid_prepare_domain(&name, &buf, str_z(c[i].title)))
			return err_set(err, "component \"%s\": no domain name", c[i].title);
		if (settings_of_component(s, name) != &c[i])
			return err_set(err, "component \"%s\": stands there twice", c[i].title);
	}
	return 0;
}

int
componentd_check(const struct daemon *d, const void *settings, struct err *err)
{
	const struct componentd_settings *s = settings;

	if (s->queue_bytes > s->queues_bytes)
		return err_set(err, "queue_bytes (%lld) must not be more than queues_bytes (%lld)",
		    (long long)s->queue_bytes, (long long)s->queues_bytes);
	if (listeners_check(d, &s->listeners, err) != 0 || door_check(&s->door, err) != 0)
		return -1;
	return check_components(s, err);
}
