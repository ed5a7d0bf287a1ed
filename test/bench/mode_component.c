/* An external component (XEP-0114) and who asks it. Modes:
 *   component  each client has `window` requests of echo.DOMAIN on the way; the component, in this process too, answers them
 *   newcomer   the same, not counted; meanwhile one connection after the other is made to the component's port, and what is counted is
 *              the time from connecting to the header of the server's stream */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define NAME "echo"
#define NS "jabber:component:accept"

/* ---- the component's connection: set up at once, then one of the loop's ---- */

static void
say(int fd, const struct bytes *b)
{
	if (send(fd, b->p, b->len, MSG_NOSIGNAL) != (ssize_t)b->len)
		die("component: %s", strerror(errno));
}

/* Reads until what has come has `end` in it. */
static void
hear(int fd, struct bytes *b, const char *end)
{
	while (!slice_has((struct slice){b->p, b->len}, end)) {
		ssize_t n;

		bytes_reserve(b, 4096);
		n = recv(fd, b->p + b->len, 4096, 0);
		if (n <= 0)
			die("component: refused: %.*s", (int)b->len, b->p ? b->p : "");
		b->len += (size_t)n;
	}
}

static int
dial(const struct load *l)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)l->o.component_port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, l->o.host, &to.sin_addr) != 1 || fd < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die("component: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void
add_digest(struct bytes *out, struct slice id, const char *secret)
{
	unsigned char digest[20];
	struct bytes in = {0};

	bytes_addf(&in, "%.*s%s", (int)id.len, id.p, secret);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, in.p, in.len, digest) != 0)
		die("no SHA-1");
	bytes_free(&in);
	for (size_t i = 0; i < sizeof digest; i++)
		bytes_addf(out, "%02x", digest[i]);
}

static void
say_header(const struct load *l, int fd)
{
	struct bytes out = {0};

	bytes_addf(&out,
	    "<stream:stream xmlns='" NS
	    "' xmlns:stream='http://etherx.jabber.org/streams' to='" NAME ".%s'>",
	    l->o.domain);
	say(fd, &out);
	bytes_free(&out);
}

/* The header stays in `in`: the scanner has to see that the stream is open. */
static void
prove(struct load *l, struct client *c)
{
	struct bytes out = {0}, verdict = {0};
	const char *tag;

	say_header(l, c->fd);
	hear(c->fd, &c->in, " id=");
	hear(c->fd, &c->in, "'>");
	bytes_add(&c->in, "", 1);
	tag = strstr(c->in.p, "<stream:stream");
	if (!tag)
		die("component: no header");
	bytes_addf(&out, "<handshake>");
	add_digest(&out, element_attribute((struct slice){tag, strlen(tag)}, "id"), l->o.password);
	bytes_addf(&out, "</handshake>");
	c->in.len--;
	say(c->fd, &out);
	hear(c->fd, &verdict, "handshake");
	hear(c->fd, &verdict, ">");
	if (slice_has((struct slice){verdict.p, verdict.len}, "error"))
		die("component: refused: %.*s", (int)verdict.len, verdict.p);
	bytes_free(&out);
	bytes_free(&verdict);
}

static void
join_loop(struct load *l, struct client *c)
{
	struct epoll_event e = {EPOLLIN, {.ptr = c}};

	c->state = CLIENT_READY;
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll_ctl: %s", strerror(errno));
}

static void
component_connect(struct load *l)
{
	static struct client component;

	client_init(&component, l, 999999);
	component.fd = dial(l);
	prove(l, &component);
	join_loop(l, &component);
	l->component = &component;
}

static void
answer(struct client *c, struct slice request)
{
	struct slice id = element_attribute(request, "id"),
		     from = element_attribute(request, "from"),
		     to = element_attribute(request, "to");

	if (slice_is(element_name(request), "iq"))
		client_send(c, "<iq type='result' id='%.*s' to='%.*s' from='%.*s'/>", (int)id.len,
		    id.p, (int)from.len, from.p, (int)to.len, to.p);
}

/* ---- who asks ---- */

static void
ask(struct client *c)
{
	client_stanza(c,
	    "<iq type='get' to='" NAME ".%s' id='%llu %llu'><query xmlns='urn:bench'/></iq>",
	    c->load->o.domain, (unsigned long long)c->flow.sent, (unsigned long long)clock_now_ns());
	c->flow.sent++;
	c->outstanding++;
}

static void
component_ready(struct client *c)
{
	if (!c->load->component)
		component_connect(c->load);
	client_stanza(c, "<presence/>");
	load_prepared(c);
}

static void
component_stanza(struct client *c, struct slice stanza)
{
	struct load *l = c->load;
	struct slice rest;

	if (c == l->component) {
		answer(c, stanza);
		return;
	}
	if (!slice_is(element_name(stanza), "iq") ||
	    !slice_is(element_attribute(stanza, "type"), "result"))
		return;
	flow_received(&c->flow, slice_number(element_attribute(stanza, "id"), &rest));
	if (l->mode == &mode_component) {
		hist_add(&l->hist, clock_now_ns() - slice_number(rest, NULL));
		l->things++;
	}
	c->outstanding--;
	if (l->running)
		ask(c);
}

/* A server may have asked the component something of its own, and not like the answer. */
static void
component_bounced(struct client *c, struct slice stanza)
{
	if (c != c->load->component)
		load_error(c->load, c, "error", stanza);
}

static void
component_begin(struct load *l)
{
	load_fill_windows(l, ask);
}

const struct mode mode_component = {.name = "component",
    .ready = component_ready,
    .stanza = component_stanza,
    .bounced = component_bounced,
    .begin = component_begin,
    .idle = load_is_idle,
    .end = load_settle_all};

/* ---- newcomers while they ask ---- */

static struct client newcomer = {.fd = -1};

static void
newcomer_turn(struct load *l)
{
	if (!l->running || newcomer.fd >= 0)
		return;
	client_init(&newcomer, l, 999998);
	newcomer.sent_ns = clock_now_ns();
	newcomer.fd = dial(l);
	say_header(l, newcomer.fd);
	join_loop(l, &newcomer);
}

static void
newcomer_opened(struct client *c)
{
	if (c != &newcomer)
		return;
	hist_add(&c->load->hist, clock_now_ns() - c->sent_ns);
	c->load->things++;
	client_drop(c);
}

static bool
newcomer_idle(const struct load *l)
{
	return newcomer.fd < 0 && load_is_idle(l);
}

const struct mode mode_newcomer = {.name = "newcomer",
    .ready = component_ready,
    .opened = newcomer_opened,
    .stanza = component_stanza,
    .bounced = component_bounced,
    .begin = component_begin,
    .turn = newcomer_turn,
    .idle = newcomer_idle,
    .end = load_settle_all};
