/* The connection of one session: a socket, TLS if asked for, and buffers. Called by the loop in load.c; hands elements to
 * login.c until the session is ready, then to the mode. Output is gathered and written once per turn of the loop, as
 * a client would send a burst. */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define READ_BYTES 16384
#define TEXT(s) ((struct slice){(s), strlen(s)})

static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;

void
client_init(struct client *c, struct load *load, unsigned index)
{
	*c = (struct client){.load = load, .index = index, .fd = -1};
	if (!scram_init(&c->scram, load->o.mechanism) && strcmp(load->o.mechanism, "PLAIN") != 0)
		die("unknown mechanism %s", load->o.mechanism);
	if (!load->o.tls || credentials)
		return;
	if (gnutls_certificate_allocate_credentials(&credentials) != 0 ||
	    gnutls_priority_init(&priority, load->o.priority, NULL) != 0)
		die("bad TLS priorities: %s", load->o.priority);
}

static bool
is_far(const struct client *c)
{
	return c->load->o.far_domain && c->index % 2 == 1;
}

const char *
client_domain(const struct client *c)
{
	return is_far(c) ? c->load->o.far_domain : c->load->o.domain;
}

/* Many sessions need many source addresses: a port serves only once for each. */
static void
bind_source(struct client *c)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int one = 1;

	if (c->load->o.sources < 2)
		return;
	from.sin_addr.s_addr = htonl(0x7f000100 + c->index % c->load->o.sources);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0)
		die("bind: %s", strerror(errno));
}

static void fail(struct client *c, const char *what, const char *detail);

void
client_connect(struct client *c)
{
	const struct options *o = &c->load->o;
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)(is_far(c) ? o->far_port : o->port))};
	int one = 1;

	if (inet_pton(AF_INET, o->host, &to.sin_addr) != 1)
		die("%s is no IPv4 address", o->host);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (o->segment)
		setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &o->segment, sizeof o->segment);
	if (o->receive)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &o->receive, sizeof o->receive);
	bind_source(c);
	c->state = CLIENT_CONNECTING;
	c->began_ns = clock_now_ns();
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
		fail(c, "could not connect", strerror(errno));
		return;
	}
	struct epoll_event e = {EPOLLIN | EPOLLOUT, {.ptr = c}};
	if (epoll_ctl(c->load->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll_ctl: %s", strerror(errno));
	c->wants_out = true;
}

void
client_drop(struct client *c)
{
	if (c->fd < 0)
		return;
	if (c->tls_on)
		gnutls_deinit(c->tls);
	close(c->fd);
	c->fd = -1;
	c->tls_on = false;
	bytes_free(&c->in);
	bytes_free(&c->out);
	c->scan = (struct scan){0};
	c->sm = false;
	if (!c->sm_id[0])
		c->sm_in = c->sm_out = c->sm_acked = 0;
	c->state = CLIENT_NONE;
	load_closed(c);
}

static void
fail(struct client *c, const char *what, const char *detail)
{
	load_error(c->load, c, what, TEXT(detail));
	client_drop(c);
}

/* By the server, or by what is between. */
static void
ended(struct client *c, const char *how)
{
	if (!c->load->mode->is_hostile)
		load_error(c->load, c, how, (struct slice){0});
	client_drop(c);
}

void
client_close(struct client *c)
{
	client_send(c, "</stream:stream>");
	c->state = CLIENT_CLOSING;
}

/* ---- writing ---- */

static __attribute__((format(printf, 2, 0))) void
queue(struct client *c, const char *format, va_list args)
{
	char text[4096];
	int n = vsnprintf(text, sizeof text, format, args);

	if (n < 0 || (size_t)n >= sizeof text)
		die("stanza too long");
	bytes_add(&c->out, text, (size_t)n);
	load_mark_dirty(c);
}

void
client_send(struct client *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	queue(c, format, args);
	va_end(args);
}

void
client_stanza(struct client *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	queue(c, format, args);
	va_end(args);
	c->sm_out++;
}

/* Bytes written; 0: the socket is full; negative: broken */
static ssize_t
write_some(struct client *c, const char *p, size_t n)
{
	if (c->tls_on) {
		ssize_t done = gnutls_record_send(c->tls, p, n < 16384 ? n : 16384);
		return done == GNUTLS_E_AGAIN || done == GNUTLS_E_INTERRUPTED ? 0 : done;
	}
	ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL);
	return done < 0 && errno == EAGAIN ? 0 : done;
}

void
client_flush(struct client *c)
{
	size_t done = 0;

	if (c->fd < 0 || c->state == CLIENT_CONNECTING || c->state == CLIENT_HANDSHAKE)
		return;
	while (done < c->out.len) {
		ssize_t n = write_some(c, c->out.p + done, c->out.len - done);
		if (n < 0) {
			ended(c, "could not write");
			return;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	bytes_drop(&c->out, done);
	if (c->state == CLIENT_CLOSING && c->out.len == 0) {
		if (c->tls_on)
			gnutls_bye(c->tls, GNUTLS_SHUT_WR);
		client_drop(c);
		return;
	}
	load_watch(c, c->out.len > 0);
}

/* ---- reading ---- */

static void
handle_element(struct client *c, struct slice element)
{
	if (c->state != CLIENT_READY) {
		login_element(c, element);
		return;
	}
	struct slice name = element_name(element);
	if (slice_is(name, "r")) {
		client_send(c, "<a xmlns='urn:xmpp:sm:3' h='%u'/>", c->sm_in);
		return;
	}
	if (slice_is(name, "a")) {
		c->sm_acked = (uint32_t)slice_number(element_attribute(element, "h"), NULL);
		if (c->load->mode->acked)
			c->load->mode->acked(c);
		return;
	}
	bool ends = slice_is(name, "stream:error");
	if (!ends)
		c->sm_in++;
	bool is_error = slice_is(element_attribute(element, "type"), "error");
	if (is_error && c->load->mode->bounced)
		c->load->mode->bounced(c, element);
	else if (is_error || (ends && !c->load->mode->is_hostile))
		load_error(c->load, c, "error", element);
	else if (c->load->mode->stanza)
		c->load->mode->stanza(c, element);
}

static void
handle_event(struct client *c, enum scan_event event, struct slice element)
{
	switch (event) {
	case SCAN_STANZA:
		handle_element(c, element);
		break;
	case SCAN_OPENED:
		if (c->state == CLIENT_READY && c->load->mode->opened)
			c->load->mode->opened(c);
		break;
	case SCAN_CLOSED:
		if (c->state != CLIENT_CLOSING)
			ended(c, "stream closed by the server");
		else
			client_drop(c);
		break;
	case SCAN_MORE:
	case SCAN_BROKEN:
		fail(c, "not an XML stream", "");
		break;
	}
}

/* A restart of the stream, in login.c, empties c->in and c->scan: then nothing is left to scan. */
static void
scan_input(struct client *c)
{
	struct slice element;
	enum scan_event event;

	while (c->fd >= 0 && (event = scan_next(&c->scan, &c->in, &element)) != SCAN_MORE)
		handle_event(c, event, element);
	if (c->fd >= 0)
		bytes_drop(&c->in, scan_forget(&c->scan));
	if (c->in.len == 0)
		bytes_free(&c->in);
}

/* Bytes read; 0: no more now; negative: ended */
static ssize_t
read_some(struct client *c)
{
	ssize_t n;

	bytes_reserve(&c->in, READ_BYTES);
	if (!c->tls_on) {
		n = recv(c->fd, c->in.p + c->in.len, READ_BYTES, 0);
		return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
	}
	n = gnutls_record_recv(c->tls, c->in.p + c->in.len, READ_BYTES);
	return n > 0 ? n : n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? 0 : -1;
}

static void
read_input(struct client *c)
{
	ssize_t n = 0;

	while (c->fd >= 0 && c->state != CLIENT_HANDSHAKE && (n = read_some(c)) > 0) {
		c->in.len += (size_t)n;
		if (c->tls_on && gnutls_record_check_pending(c->tls) > 0)
			continue;
		scan_input(c);
		if (!c->tls_on && n < READ_BYTES)
			return;
	}
	if (c->fd < 0)
		return;
	if (n < 0 && c->state == CLIENT_CLOSING)
		client_drop(c);
	else if (n < 0)
		ended(c, "connection ended by the server");
	else if (c->in.len == 0)
		bytes_free(&c->in);
}

/* ---- TLS ---- */

static void
step_handshake(struct client *c)
{
	int rc = gnutls_handshake(c->tls);

	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
		load_watch(c, gnutls_record_get_direction(c->tls) == 1);
		return;
	}
	if (rc < 0 && gnutls_error_is_fatal(rc)) {
		ended(c, gnutls_strerror(rc));
		return;
	}
	if (rc == 0)
		login_secured(c);
}

static void
begin_handshake(struct client *c)
{
	if (gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK) != 0)
		die("gnutls_init failed");
	gnutls_priority_set(c->tls, priority);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, client_domain(c), strlen(client_domain(c)));
	gnutls_transport_set_int(c->tls, c->fd);
	c->tls_on = true;
	step_handshake(c);
}

void
client_event(struct client *c, unsigned events)
{
	if (c->fd < 0)
		return;
	if (c->state == CLIENT_CONNECTING) {
		if (events & (EPOLLERR | EPOLLHUP)) {
			ended(c, "could not connect");
			return;
		}
		login_connected(c);
		return;
	}
	if (c->state != CLIENT_HANDSHAKE && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		read_input(c);
	if (c->state == CLIENT_HANDSHAKE) {
		if (!c->tls_on)
			begin_handshake(c);
		else
			step_handshake(c);
	}
	if (c->fd >= 0 && (events & EPOLLOUT))
		client_flush(c);
}
