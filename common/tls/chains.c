/* Receives the list {domain, key id, chain} and the ticket key from keyd and applies it to the edge's context. The
 * list comes whole, from BEGIN to END, at each connect and after each change; a domain that is not between the two
 * is gone. What has not changed since the last list is not parsed again, so connections and the memory of chains
 * are left in peace when keyd restarts. A chain that GnuTLS does not take (keyd has checked it) is skipped: one
 * domain without TLS is better than a loop of reconnects. Used by c2sd, s2sd and componentd. */

#include "tls/chains.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/id.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "tls/keywire.h"

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 1000
#define DOMAINS_MAX 10000

struct known_chain {
	struct list link;
	char *domain;
	uint32_t key_id;
	uint8_t hash[crypto_generichash_BYTES];
	bool listed; /* seen since BEGIN */
};

struct chains {
	struct tls_context *context;
	int fd;
	uint64_t retry_ms;
	bool complete;
	bool in_list; /* between BEGIN and END */
	struct list known;
	size_t n_known;
};

struct chains *
chains_new(struct tls_context *t)
{
	struct chains *c = NEW(struct chains);

	c->context = t;
	c->fd = -1;
	c->retry_ms = RETRY_MIN_MS;
	list_init(&c->known);
	return c;
}

static void
forget(struct chains *c, struct known_chain *k)
{
	list_remove(&k->link);
	free(k->domain);
	free(k);
	c->n_known--;
}

static void
close_socket(struct chains *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_list = false;
}

void
chains_free(struct chains **cp)
{
	struct chains *c = *cp;

	if (c == NULL)
		return;
	LIST_FOREACH_SAFE(&c->known, it, next)
		forget(c, CONTAINER_OF(it, struct known_chain, link));
	close_socket(c);
	free(c);
	*cp = NULL;
}

static int
send_watch(int fd)
{
	struct buf packet = {0};

	keywire_put_request(&packet, &(struct keywire_request){.type = KEYWIRE_WATCH});
	ssize_t n = send(fd, buf_str(&packet).p, buf_len(&packet), MSG_NOSIGNAL);
	buf_deinit(&packet);
	return n < 0 ? -1 : 0;
}

int
chains_open(struct chains *c, const char *name, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = KEYWIRE_SOCKET};

	close_socket(c);
	if (name != NULL && !str_copy(address.sun_path, sizeof address.sun_path, str_z(name)))
		return err_set(err, "%s: longer than a socket's name may be", name);
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_set(err, "keyd: socket: %s", strerror(errno));
	if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    send_watch(c->fd) < 0) {
		err_set(err, "keyd: %s: %s", address.sun_path, strerror(errno));
		close_socket(c);
		return -1;
	}
	return c->fd;
}

int
chains_fd(const struct chains *c)
{
	return c->fd;
}

uint64_t
chains_retry_ms(struct chains *c)
{
	uint64_t ms = c->retry_ms;

	c->retry_ms = ms * 2 < RETRY_MAX_MS ? ms * 2 : RETRY_MAX_MS;
	return ms;
}

bool
chains_complete(const struct chains *c)
{
	return c->complete;
}

static struct known_chain *
find(const struct chains *c, struct str domain)
{
	LIST_FOREACH(&c->known, it) {
		struct known_chain *k = CONTAINER_OF(it, struct known_chain, link);
		if (str_is(domain, k->domain))
			return k;
	}
	return NULL;
}

static struct known_chain *
add(struct chains *c, struct str domain)
{
	struct known_chain *k = NEW(struct known_chain);

	k->domain = str_dup(domain);
	list_add(&c->known, &k->link);
	c->n_known++;
	return k;
}

static int
apply_chain(struct chains *c, const struct keywire_push *p, struct err *err)
{
	uint8_t hash[crypto_generichash_BYTES];
	struct known_chain *k = find(c, p->domain);
	struct err why;

	if (k == NULL && c->n_known >= DOMAINS_MAX)
		return err_set(err, "keyd: more than %d domains", DOMAINS_MAX);
	crypto_generichash(hash, sizeof hash, (const uint8_t *)p->body.p, p->body.n, NULL, 0);
	if (k == NULL || k->key_id != p->key_id || memcmp(k->hash, hash, sizeof hash) != 0) {
		if (tls_context_set_chain(c->context, p->domain, p->body, p->key_id, &why) < 0) {
			log_debug("%.*s: %s", STR_ARG(p->domain), why.text);
			return 0;
		}
		k = k != NULL ? k : add(c, p->domain);
		k->key_id = p->key_id;
		memcpy(k->hash, hash, sizeof hash);
	}
	k->listed = true;
	return 0;
}

static void
begin_list(struct chains *c)
{
	LIST_FOREACH(&c->known, it)
		CONTAINER_OF(it, struct known_chain, link)->listed = false;
	c->in_list = true;
}

static void
end_list(struct chains *c)
{
	LIST_FOREACH_SAFE(&c->known, it, next) {
		struct known_chain *k = CONTAINER_OF(it, struct known_chain, link);
		if (!k->listed) {
			tls_context_remove_chain(c->context, str_z(k->domain));
			forget(c, k);
		}
	}
	c->in_list = false;
	c->complete = true;
	c->retry_ms = RETRY_MIN_MS;
}

int
chains_apply(struct chains *c, struct str packet, enum chains_event *event_r, struct err *err)
{
	struct keywire_push p;

	if (!keywire_get_push(packet, &p) || (p.type != KEYWIRE_BEGIN && !c->in_list))
		return err_set(err, "keyd: malformed list of certificates");
	*event_r = CHAINS_NOTHING;
	switch (p.type) {
	case KEYWIRE_BEGIN:
		begin_list(c);
		break;
	case KEYWIRE_CHAIN:
		return apply_chain(c, &p, err);
	case KEYWIRE_TICKET:
		tls_context_set_ticket_key(c->context, p.body);
		break;
	case KEYWIRE_END:
		end_list(c);
		*event_r = CHAINS_UPDATED;
		break;
	}
	return 0;
}

/* The next packet: its length, 0 when there is none yet, -1 with *err filled at the end. */
static ssize_t
receive(struct chains *c, struct buf *packet, struct err *err)
{
	ssize_t n;

	do
		n = recv(
		    c->fd, buf_reserve(packet, KEYWIRE_PACKET_MAX + 1), KEYWIRE_PACKET_MAX + 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return err_set(err, "keyd: %s", n == 0 ? "hung up" : strerror(errno));
	buf_commit(packet, (size_t)n);
	return n;
}

enum chains_event
chains_read(struct chains *c, struct err *err)
{
	enum chains_event event = CHAINS_NOTHING;
	struct buf packet = {0};
	ssize_t n = 0;

	if (c->fd < 0)
		return CHAINS_DOWN;
	while (event == CHAINS_NOTHING && (n = receive(c, &packet, err)) > 0) {
		if (chains_apply(c, buf_str(&packet), &event, err) < 0)
			n = -1;
		secret_wipe(packet.data, buf_len(&packet));
		buf_clear(&packet);
		if (n < 0)
			break;
	}
	buf_deinit(&packet);
	if (n < 0) {
		close_socket(c);
		return CHAINS_DOWN;
	}
	return event;
}
