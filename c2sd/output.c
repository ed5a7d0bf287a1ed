/* What a client gets: collected in plain text for a turn, then encrypted and written in one go. An idle client holds no buffer:
 * the few that are in use go round. */
#include "base/log.h"
#include "client.h"

struct buf *
client_out(struct client *c)
{
	struct c2sd *d = c->c2sd;

	if (!c->plain.data && d->n_spares > 0)
		c->plain = d->spares[--d->n_spares];
	return &c->plain;
}

static void
client_give_back(struct client *c)
{
	struct c2sd *d = c->c2sd;

	buf_clear(&c->plain);
	if (c->plain.cap > SPARE_BYTES || d->n_spares == SPARE_BUFFERS) {
		buf_trim(&c->plain);
		return;
	}
	d->spares[d->n_spares++] = c->plain;
	c->plain = (struct buf){.data = NULL};
}

/* sessiond sends no more than its window for a session, so an honest one never comes near the bound. */
void
client_touch(struct client *c)
{
	struct c2sd *d = c->c2sd;

	if (list_empty(&c->dirty))
		list_add(&d->dirty, &c->dirty);
	if (buf_len(&c->plain) + conn_queued(c->conn) > (size_t)c2sd_settings(d)->out_bytes)
		client_lost(c, "it does not read what it is sent");
}

void
client_write(struct client *c, struct str bytes)
{
	buf_add_str(client_out(c), bytes);
	client_touch(c);
}

bool
client_is_flushed(const struct client *c)
{
	return buf_len(&c->plain) == 0 && conn_queued(c->conn) == 0;
}

/* From now on the socket must take something now and then (ticks.c). */
static void
client_watch_progress(struct client *c)
{
	if (!list_empty(&c->stalled) || c->state == CLIENT_CLOSING)
		return;
	c->out_taken = c->out_total - conn_queued(c->conn);
	c->out_taken_ms = c2sd_now_ms(c->c2sd);
	list_add(&c->c2sd->stalled, &c->stalled);
}

void
client_flush(struct client *c)
{
	struct err err = {.text = ""};
	size_t before = conn_queued(c->conn);
	struct buf *out;

	list_remove(&c->dirty);
	if (buf_len(&c->plain) == 0)
		return;
	out = conn_out(c->conn);
	if (!c->tls) {
		buf_add_str(out, buf_str(&c->plain));
	} else if (tls_write(c->tls, buf_str(&c->plain), out, &err) == TLS_FAILED) {
		client_give_back(c);
		client_lost(c, err.text);
		return;
	}
	client_give_back(c);
	c->out_total += buf_len(out) - before;
	conn_kick(c->conn);
	client_watch_progress(c);
}
