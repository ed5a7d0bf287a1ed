/* yardstick PORT DOMAIN [CERTIFICATE KEY]: not a server, but what the least of all servers in several processes costs.
 *
 *   client ─▶ edge ─▶ router ─▶ session ─▶ router ─▶ edge ─▶ client
 *
 * Three processes: the edge reads, decrypts, parses with libxml2, and writes each message anew with its sender as a
 * frame for the router; router and session pass frames on by length; the edge finds the receiver by the name, encrypts
 * and writes. Each process writes once per turn of its loop. There is no password check (PLAIN, any password), no
 * storage, no roster, no limit. IQs are answered with an empty result. bench/run has it as a row among the servers.
 *
 * This file has the edge's connections; what clients say is in yardstick_xml.c, the other two processes are in
 * yardstick_relay.c. A connection is freed at the end of the turn in which it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "yardstick.h"

#define EVENTS 512

struct conn **
bucket_of(struct edge *e, const char *name, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return &e->users[h % NAMES];
}

void
mark(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = c->edge->dirty;
	c->edge->dirty = c;
}

static void
free_conn(struct conn *c)
{
	struct conn **line = c->user[0] ? bucket_of(c->edge, c->user, strlen(c->user)) : NULL;

	while (line && *line && *line != c)
		line = &(*line)->next;
	if (line && *line)
		*line = c->next;
	if (c->tls)
		gnutls_deinit(c->tls);
	xml_free(c);
	bytes_free(&c->payload);
	bytes_free(&c->text);
	bytes_free(&c->out);
	close(c->fd);
	free(c);
}

void
end(struct conn *c)
{
	c->ended = true;
	mark(c);
}

static bool
write_out(struct conn *c)
{
	size_t done = 0;

	while (done < c->out.len) {
		size_t n = c->out.len - done < 16384 ? c->out.len - done : 16384;
		ssize_t sent = c->secured ? gnutls_record_send(c->tls, c->out.p + done, n)
					  : send(c->fd, c->out.p + done, n, MSG_NOSIGNAL);
		if (sent < 0 && !(c->secured ? sent == GNUTLS_E_AGAIN : errno == EAGAIN))
			return false;
		if (sent <= 0)
			break;
		done += (size_t)sent;
	}
	bytes_drop(&c->out, done);
	return true;
}

static void
flush(struct conn *c)
{
	bool ok = write_out(c), wants_out = c->out.len > 0;

	c->dirty = false;
	if (!ok || c->ended) {
		free_conn(c);
		return;
	}
	if (wants_out == c->wants_out)
		return;
	c->wants_out = wants_out;
	epoll_ctl(c->edge->epoll, EPOLL_CTL_MOD, c->fd,
	    &(struct epoll_event){EPOLLIN | (wants_out ? EPOLLOUT : 0), {.ptr = c}});
}

static void
flush_all(struct edge *e)
{
	while (e->dirty) {
		struct conn *c = e->dirty;
		e->dirty = c->next_dirty;
		flush(c);
	}
	if (e->to_hub.len > 0)
		write_all(e->hub, &e->to_hub);
}

static void
begin_tls(struct conn *c)
{
	write_out(c); /* <proceed/> goes in clear */
	gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK);
	gnutls_priority_set(c->tls, c->edge->priority);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->edge->credentials);
	gnutls_transport_set_int(c->tls, c->fd);
}

static void
parse(struct conn *c, const char *p, size_t n)
{
	xml_parse(c, p, n);
	if (c->after == SECURE)
		begin_tls(c);
	c->after = GO_ON;
}

static void
shake_hands(struct conn *c)
{
	int rc = gnutls_handshake(c->tls);

	c->secured = rc == 0;
	if (rc < 0 && rc != GNUTLS_E_AGAIN && gnutls_error_is_fatal(rc))
		end(c);
}

static void
read_in(struct conn *c)
{
	static char p[16384];

	while (!c->ended) {
		if (c->tls && !c->secured) {
			shake_hands(c);
			if (!c->secured)
				return;
		}
		ssize_t n = c->secured ? gnutls_record_recv(c->tls, p, sizeof p)
				       : recv(c->fd, p, sizeof p, 0);
		if (n > 0) {
			parse(c, p, (size_t)n);
			if (!c->tls && n < (ssize_t)sizeof p)
				return;
			continue;
		}
		if (n == 0 || !(c->secured ? n == GNUTLS_E_AGAIN : errno == EAGAIN))
			end(c);
		return;
	}
}

static void
accept_one(struct edge *e)
{
	int one = 1, fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	struct conn *c = calloc(1, sizeof *c);
	if (!c)
		die("out of memory");
	c->edge = e;
	c->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	epoll_ctl(e->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN, {.ptr = c}});
}

static void
deliver(struct edge *e, const char *p, struct frame f)
{
	const char *name = p + sizeof f, *stanza = name + f.name_length;
	struct conn *c = *bucket_of(e, name, f.name_length);

	while (c && (strlen(c->user) != f.name_length || memcmp(c->user, name, f.name_length) != 0))
		c = c->next;
	if (!c)
		return;
	bytes_add(&c->out, stanza, f.length - sizeof f - f.name_length);
	mark(c);
}

static void
read_hub(struct edge *e)
{
	struct bytes *in = &e->from_hub;
	size_t done = 0;
	struct frame f;

	bytes_reserve(in, PIPE_BYTES);
	ssize_t n = read(e->hub, in->p + in->len, PIPE_BYTES);
	if (n <= 0)
		die("the router is gone");
	in->len += (size_t)n;
	for (; in->len - done >= sizeof f; done += f.length) {
		memcpy(&f, in->p + done, sizeof f);
		if (in->len - done < f.length)
			break;
		deliver(e, in->p + done, f);
	}
	bytes_drop(in, done);
}

static void
set_up(struct edge *e, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	e->domain = argv[2];
	e->tls = argv[3] != NULL;
	if (e->tls &&
	    (gnutls_certificate_allocate_credentials(&e->credentials) != 0 ||
		gnutls_certificate_set_x509_key_file(
		    e->credentials, argv[3], argv[4], GNUTLS_X509_FMT_PEM) < 0 ||
		gnutls_priority_init(&e->priority, "NORMAL", NULL) != 0))
		die("bad certificate or key");
	e->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(e->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(e->listener, 4096) != 0)
		die("port %s: %s", argv[1], strerror(errno));
	start_others(e);
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->listener,
	    &(struct epoll_event){EPOLLIN, {.ptr = &e->listener}});
	epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->hub, &(struct epoll_event){EPOLLIN, {.ptr = &e->hub}});
}

int
main(int argc, char **argv)
{
	static struct edge edge;
	struct epoll_event events[EVENTS];

	if (argc != 3 && argc != 5) {
		fputs("usage: yardstick PORT DOMAIN [CERTIFICATE KEY]\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	set_up(&edge, argv);
	for (;;) {
		int n = epoll_wait(edge.epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &edge.listener)
				accept_one(&edge);
			else if (events[i].data.ptr == &edge.hub)
				read_hub(&edge);
			else
				read_in(events[i].data.ptr);
		}
		flush_all(&edge);
	}
}
