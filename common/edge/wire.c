/* See wire.h. */
#include "wire.h"

#include "base/id.h"
#include "base/mem.h"
#include "brake.h"

#define DECRYPT_BYTES (16 * 1024) /* at once: so much may wait as elements */

/* ---- all of them ---- */

void
wires_init(struct wires *all, bool (*has_credit)(const void *edge), const void *edge)
{
	list_init(&all->dirty);
	list_init(&all->stalled);
	list_init(&all->starved);
	all->has_credit = has_credit;
	all->edge = edge;
}

void
wires_deinit(struct wires *all)
{
	for (unsigned i = 0; i < all->n_spares; i++)
		buf_deinit(&all->spares[i]);
	all->n_spares = 0;
	buf_deinit_secret(&all->scratch);
}

void
wires_check_stalled(struct wires *all, uint64_t now_ms, uint64_t allowed_ms)
{
	LIST_FOREACH_SAFE(&all->stalled, it, nx) {
		struct wire *w = CONTAINER_OF(it, struct wire, stalled);
		uint64_t taken = wire_taken(w);

		if (taken > w->out_taken) {
			w->out_taken = taken;
			w->out_taken_ms = now_ms;
		} else if (now_ms - w->out_taken_ms >= allowed_ms) {
			list_remove(it);
			w->events->lost(w->ctx, "it takes nothing of what it is sent");
		}
	}
}

/* ---- life ---- */

void
wire_init(struct wire *w, struct wires *all, struct conn *conn, const struct wire_events *events,
    void *ctx)
{
	w->all = all;
	w->conn = conn;
	w->events = events;
	w->ctx = ctx;
	list_init(&w->dirty);
	list_init(&w->stalled);
	list_init(&w->starved);
}

void
wire_leave(struct wire *w)
{
	handshake_free(&w->handshake);
	list_remove(&w->starved);
}

void
wire_deinit(struct wire *w)
{
	wire_leave(w);
	list_remove(&w->dirty);
	list_remove(&w->stalled);
	tls_free(&w->tls);
	buf_deinit(&w->cipher);
	buf_deinit_secret(&w->plain);
}

/* ---- in ---- */

static void
give(struct wire *w, struct str plain)
{
	w->is_feeding = true;
	w->events->input(w->ctx, plain);
	w->is_feeding = false;
}

/* One piece; false when there is no more to be had now. */
static bool
decrypt_some(struct wire *w)
{
	struct buf *plain = &w->all->scratch;
	size_t before = buf_len(&w->cipher);
	struct err err = {.text = ""};
	bool is_secret = w->is_secret, more;
	enum tls_state state;

	buf_clear(plain);
	state = tls_read(w->tls, &w->cipher, plain, DECRYPT_BYTES, &err);
	more = buf_len(plain) > 0 || buf_len(&w->cipher) < before;
	if (buf_len(plain) > 0)
		give(w, buf_str(plain));
	if (is_secret)
		secret_wipe(plain->data, plain->cap);
	if (state == TLS_FAILED)
		w->events->lost(w->ctx, err.text);
	else if (state == TLS_CLOSED)
		w->events->lost(w->ctx, "TLS was closed before the stream");
	return more;
}

bool
wire_has_unread(const struct wire *w)
{
	return buf_len(&w->cipher) > 0 || (w->tls && tls_pending(w->tls) > 0);
}

/* What came in clear while its owner could not read. */
static bool
take_clear(struct wire *w)
{
	struct buf bytes = w->cipher;

	w->cipher = (struct buf){.data = NULL};
	give(w, buf_str(&bytes));
	buf_deinit_secret(&bytes);
	return true;
}

void
wire_go_on(struct wire *w)
{
	if (w->is_feeding)
		return;
	while (wire_has_unread(w) && w->events->may_read(w->ctx))
		if (!(w->tls ? decrypt_some(w) : take_clear(w)))
			break;
	buf_trim(&w->cipher);
}

void
wire_feed(struct wire *w, struct str bytes)
{
	if (w->paused & PAUSE_CREDIT) {
		buf_add_str(&w->cipher, bytes);
	} else if (w->handshake) {
		if (handshake_feed(w->handshake, bytes))
			conn_pause(w->conn);
	} else if (!w->tls) {
		give(w, bytes);
	} else {
		buf_add_str(&w->cipher, bytes);
		wire_go_on(w);
	}
}

/* ---- the handshake ---- */

static void
on_write(void *ctx, struct str bytes)
{
	struct wire *w = ctx;

	w->out_total += bytes.n;
	conn_write(w->conn, bytes);
}

static void
on_more(void *ctx)
{
	struct wire *w = ctx;

	if (w->events->may_read(w->ctx))
		conn_resume(w->conn);
}

/* What came behind the handshake is the first of the stream. */
static void
on_open(void *ctx, struct tls *tls, struct str rest)
{
	struct wire *w = ctx;

	w->tls = tls;
	w->handshake = NULL;
	buf_add_str(&w->cipher, rest);
	w->events->opened(w->ctx);
	wire_go_on(w);
	on_more(w);
}

static void
on_failed(void *ctx, const char *why)
{
	struct wire *w = ctx;

	w->events->lost(w->ctx, why);
}

static const struct handshake_events handshake_events = {
    .write = on_write, .more = on_more, .open = on_open, .failed = on_failed};

void
wire_secure(struct wire *w, struct handshakes *hs, struct tls *tls, bool is_client)
{
	w->handshake = handshake_new(hs, tls, &handshake_events, w);
	if (is_client)
		wire_feed(w, S(""));
}

/* ---- out ---- */

struct buf *
wire_out(struct wire *w)
{
	struct wires *all = w->all;

	if (!w->plain.data && all->n_spares > 0)
		w->plain = all->spares[--all->n_spares];
	return &w->plain;
}

static void
give_back(struct wire *w)
{
	struct wires *all = w->all;

	buf_clear(&w->plain);
	if (w->plain.cap > WIRE_SPARE_BYTES || all->n_spares == WIRE_SPARES) {
		buf_trim(&w->plain);
		return;
	}
	all->spares[all->n_spares++] = w->plain;
	w->plain = (struct buf){.data = NULL};
}

void
wire_touch(struct wire *w)
{
	if (list_empty(&w->dirty))
		list_add(&w->all->dirty, &w->dirty);
}

void
wire_write(struct wire *w, struct str bytes)
{
	buf_add_str(wire_out(w), bytes);
	wire_touch(w);
}

size_t
wire_queued(const struct wire *w)
{
	return buf_len(&w->plain) + conn_queued(w->conn);
}

uint64_t
wire_taken(const struct wire *w)
{
	return w->out_total - conn_queued(w->conn);
}

/* From now on the socket must take something now and then. */
static void
watch_progress(struct wire *w, uint64_t now_ms)
{
	if (!list_empty(&w->stalled))
		return;
	w->out_taken = wire_taken(w);
	w->out_taken_ms = now_ms;
	list_add(&w->all->stalled, &w->stalled);
}

void
wire_flush(struct wire *w, uint64_t now_ms)
{
	struct err err = {.text = ""};
	size_t before = conn_queued(w->conn);
	struct buf *out;

	list_remove(&w->dirty);
	if (buf_len(&w->plain) == 0)
		return;
	out = conn_out(w->conn);
	if (!w->tls) {
		buf_add_str(out, buf_str(&w->plain));
	} else if (tls_write(w->tls, buf_str(&w->plain), out, &err) == TLS_FAILED) {
		give_back(w);
		w->events->lost(w->ctx, err.text);
		return;
	}
	give_back(w);
	w->out_total += buf_len(out) - before;
	conn_kick(w->conn);
	watch_progress(w, now_ms);
}

void
wires_turn(struct wires *all, uint64_t now_ms)
{
	while (!list_empty(&all->dirty))
		wire_flush(CONTAINER_OF(all->dirty.next, struct wire, dirty), now_ms);
}

void
wire_flushed(struct wire *w)
{
	list_remove(&w->stalled);
}

void
wire_bye(struct wire *w)
{
	size_t before = conn_queued(w->conn);

	if (!w->tls)
		return;
	tls_bye(w->tls, conn_out(w->conn));
	w->out_total += conn_queued(w->conn) - before;
	conn_kick(w->conn);
}
