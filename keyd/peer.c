/* The sockets towards the edges: one listener for each role, in that role's folder, and its connections. Who may
 * connect is decided by the folder's permissions and again by the uid. A peer is new until its first packet shows what
 * it is:
 *
 *   NEW --SIGN--> SIGNER    one answer to each request
 *   NEW --WATCH--> WATCHER  gets the list, as fast as it reads, and says nothing more
 *
 * What a signer does not read, and whatever a watcher says, costs it the connection. keyd keeps no queue: a watcher has
 * a place in the list (push_cursor), not a copy of it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "keyd.h"
#include "loop/conn.h"

#define PEERS_MAX 512 /* of one role: instances times handshake workers */
#define PACKETS_PER_TURN 16

struct edge_socket {
	struct keyd *keyd;
	struct edge edge;
	uint32_t uid; /* who may connect; looked up before the sandbox */
	int fd;
	struct listener *listener;
	struct list peers;
	unsigned n_peers;
};

enum peer_kind {
	PEER_NEW,
	PEER_SIGNER,
	PEER_WATCHER,
};

struct peer {
	struct list link;
	struct edge_socket *socket;
	enum peer_kind kind;
	int fd;
	struct loop_watch *watch;
	struct push_cursor cursor;
};

struct edge_socket *
edge_socket_open(struct keyd *k, enum role role, enum edge_scope scope, struct err *err)
{
	int fd = service_listen_unix(k->daemon, role, KEYWIRE_SOCKET, SOCK_SEQPACKET, err);

	if (fd < 0)
		return NULL;
	struct edge_socket *s = NEW(struct edge_socket);
	s->keyd = k;
	s->uid = service_role_uid(k->daemon, role);
	s->fd = fd;
	list_init(&s->peers);
	edge_init(&s->edge, role_name(role), scope, 0, 0);
	return s;
}

static void
peer_close(struct peer *p)
{
	list_remove(&p->link);
	loop_watch_free(&p->watch);
	close(p->fd);
	p->socket->n_peers--;
	if (p->socket->listener != NULL)
		listener_resume(p->socket->listener);
	free(p);
}

/* False when the peer is gone or does not read; *full_r when it was just not sent. */
static bool
peer_send(struct peer *p, struct str packet, bool *full_r)
{
	ssize_t n;

	do
		n = send(p->fd, packet.p, packet.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	*full_r = n < 0 && (errno == EAGAIN || errno == ENOBUFS);
	return n >= 0;
}

/* Sends what the watcher has not got, as far as its socket takes it. False: closed. */
static bool
peer_push(struct peer *p)
{
	struct buf packet = {0};
	bool full = false, ok = true;

	while (ok && push_next(&p->socket->edge, &p->socket->keyd->store, &p->cursor, &packet)) {
		ok = peer_send(p, buf_str(&packet), &full);
		secret_wipe(packet.data, buf_len(&packet));
		buf_clear(&packet);
	}
	buf_deinit(&packet);
	if (full)
		push_again(&p->cursor);
	loop_watch_set(p->watch, full ? LOOP_READ | LOOP_WRITE : LOOP_READ);
	if (!ok && !full)
		peer_close(p);
	return ok || full;
}

/* False: closed. */
static bool
peer_packet(struct peer *p, struct str packet)
{
	struct keyd *k = p->socket->keyd;
	struct buf out = {0};
	bool full, ok = false;

	switch (
	    edge_handle(&p->socket->edge, &k->store, packet, loop_now_ms(k->daemon->loop), &out)) {
	case EDGE_ANSWER:
		ok = p->kind != PEER_WATCHER && peer_send(p, buf_str(&out), &full);
		p->kind = PEER_SIGNER;
		break;
	case EDGE_WATCH:
		ok = p->kind == PEER_NEW;
		p->kind = PEER_WATCHER;
		break;
	case EDGE_HANG_UP:
		break;
	}
	buf_deinit(&out);
	if (!ok)
		peer_close(p);
	return ok && (p->kind != PEER_WATCHER || peer_push(p));
}

static void
on_readable(struct peer *p)
{
	uint8_t packet[KEYWIRE_REQUEST_SIZE + 1];
	ssize_t n = 1;

	for (int i = 0; i < PACKETS_PER_TURN; i++) {
		n = recv(p->fd, packet, sizeof packet, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !peer_packet(p, str_of(packet, (size_t)n)))
			break;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		peer_close(p);
}

static void
on_events(void *ctx, int events)
{
	struct peer *p = ctx;

	if ((events & LOOP_WRITE) && p->kind == PEER_WATCHER && !peer_push(p))
		return;
	if (events & LOOP_READ)
		on_readable(p);
}

/* Is it the user that this socket is for? */
static bool
is_expected(const struct edge_socket *s, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == (s->uid == (uint32_t)-1 ? geteuid() : s->uid);
}

static void
on_accepted(void *ctx, int fd)
{
	struct edge_socket *s = ctx;

	if (!is_expected(s, fd)) {
		s->edge.strangers++;
		close(fd);
		return;
	}
	struct peer *p = NEW(struct peer);
	p->socket = s;
	p->fd = fd;
	p->watch = loop_watch_new(s->keyd->daemon->loop, fd, on_events, p);
	loop_watch_set(p->watch, LOOP_READ);
	list_add(&s->peers, &p->link);
	s->n_peers++;
}

static bool
may_accept(void *ctx)
{
	const struct edge_socket *s = ctx;

	return s->n_peers < PEERS_MAX;
}

void
edge_socket_start(struct edge_socket *s)
{
	struct loop *loop = s->keyd->daemon->loop;

	edge_init(&s->edge, s->edge.name, s->edge.scope, (uint32_t)keyd_settings(s->keyd)->rate,
	    loop_now_ms(loop));
	s->listener = listener_new(loop, s->fd, may_accept, on_accepted, s);
}

void
edge_socket_push(struct edge_socket *s)
{
	LIST_FOREACH_SAFE(&s->peers, it, next) {
		struct peer *p = CONTAINER_OF(it, struct peer, link);
		if (p->kind == PEER_WATCHER)
			peer_push(p);
	}
}

struct edge *
edge_socket_edge(struct edge_socket *s)
{
	return &s->edge;
}

void
edge_socket_free(struct edge_socket **sp)
{
	struct edge_socket *s = *sp;

	if (s == NULL)
		return;
	LIST_FOREACH_SAFE(&s->peers, it, next)
		peer_close(CONTAINER_OF(it, struct peer, link));
	if (s->listener != NULL)
		listener_free(&s->listener);
	close(s->fd);
	free(s);
	*sp = NULL;
}
