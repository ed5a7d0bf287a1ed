/* See handover.h. The default namespace of the first header decides (RFC 6120 §4.8.3). All that came up to it is kept and goes along, so
 * s2sd reads the stream from its beginning; what has not been read yet lies in the socket. While no process of s2sd takes the
 * connection, since it is just being started again say, it waits here as the stranger that it is. */
#include "handover.h"

#include <errno.h>
#include <string.h>

#include "edge/handover.h"
#include "names.h"
#include "negotiate.h"

#define WAIT_MS 10000

int
handover_open(struct c2sd *d, struct err *err)
{
	bool is_wanted = false;

	for (unsigned i = 0; i < d->gates.n; i++)
		is_wanted = is_wanted || d->gates.v[i].servers;
	if (!is_wanted)
		return 0;
	d->handover = handover_socket();
	return d->handover < 0 ? err_set(err, "server_streams: %s", strerror(errno)) : 0;
}

bool
handover_keep(struct client *c, struct str bytes)
{
	struct buf *first = &c->nego->first;

	if (buf_len(first) + bytes.n > HANDOVER_BYTES) {
		client_end(c, STREAM_POLICY_VIOLATION, header_text_too_big);
		return false;
	}
	buf_add_str(first, bytes);
	return true;
}

bool
handover_is_server(struct client *c, const struct xml_element *root)
{
	bool is_server = str_is(root->default_ns, NS_SERVER);

	if (!is_server)
		buf_deinit_secret(&c->nego->first);
	client_set_state(c, is_server ? CLIENT_SERVER : CLIENT_HEADER);
	return is_server;
}

/* The processes of s2sd in turn. 0, or negative errno of the last one. */
static int
send_on(struct client *c)
{
	struct c2sd *d = c->c2sd;
	unsigned n = d->daemon->suite.n_s2sd;
	int rc = -ENOENT;

	for (unsigned i = 0; i < n && rc != 0; i++) {
		d->last_s2sd = (d->last_s2sd + 1) % n;
		rc = handover_send(
		    d->handover, d->last_s2sd, conn_fd(c->conn), buf_str(&c->nego->first));
	}
	return rc;
}

static int
hand_over(struct client *c)
{
	int rc = send_on(c);

	if (rc != 0)
		return rc;
	client_log(c, LOG_DEBUG, "a server: handed over to s2sd.%u", c->c2sd->last_s2sd);
	client_is_taken(c);
	return 0;
}

void
handover_begin(struct client *c)
{
	struct c2sd *d = c->c2sd;
	uint64_t limit_ms = c2sd_now_ms(d) + WAIT_MS;

	if (d->daemon->suite.n_s2sd == 0) {
		handover_give_up(c);
		return;
	}
	wire_pause(&c->wire, PAUSE_ANSWER);
	if (limit_ms < c->nego->deadline_ms)
		client_set_deadline(c, limit_ms);
	list_add(&d->servers, &c->nego->server);
	hand_over(c);
}

void
handover_tick(struct c2sd *d)
{
	LIST_FOREACH_SAFE(&d->servers, it, nx)
		if (hand_over(CONTAINER_OF(it, struct negotiation, server)->client) != 0)
			return;
}

/* The cause is within our own house (RFC 6120 §4.9.3.15). */
void
handover_give_up(struct client *c)
{
	int rc = hand_over(c);

	if (rc == 0)
		return;
	client_log(c, LOG_WARN,
	    "a server, and no s2sd takes it (shared_listeners in s2sd.conf): %s", strerror(-rc));
	client_end(c, STREAM_INTERNAL_SERVER_ERROR, "servers are not taken at the moment");
}
