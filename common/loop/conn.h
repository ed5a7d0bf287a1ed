/* A stream socket on the loop: reads into one shared buffer, writes what is queued, at most one write per turn.
 * An idle connection holds no buffers. The protocol object lives behind conn_user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "loop/loop.h"

struct conn;

struct conn_methods {
	/* Bytes came (borrowed). Not called while paused. */
	void (*input)(struct conn *c, struct str bytes);
	/* The queue was over its high-water mark and is below the low-water mark again. May be NULL. */
	void (*drained)(struct conn *c);
	/* Everything queued so far has been given to the kernel. May be NULL. */
	void (*flushed)(struct conn *c);
	/* The peer closed, an error came, or conn_close finished: called exactly once, last; conn is freed after it.
	 * error: 0 after an orderly end, else negative errno. */
	void (*closed)(struct conn *c, int error);
};

/* Takes fd (made non-blocking). user_size zeroed bytes for the protocol come in the same allocation. Reading starts at once. */
struct conn *conn_new(struct loop *l, int fd, const struct conn_methods *methods, size_t user_size);
void *conn_user(struct conn *c);
int conn_fd(const struct conn *c);

void conn_write(struct conn *c, struct str bytes);
/* The queue itself, to encrypt or serialize into without a copy; call conn_kick afterwards. */
struct buf *conn_out(struct conn *c);
void conn_kick(struct conn *c);
size_t conn_queued(const struct conn *c);
void conn_set_water(struct conn *c, size_t low, size_t high);
bool conn_is_congested(const struct conn *c);

/* TCP_NODELAY: what is written at the end of a turn goes at once. Nothing for other sockets. */
void conn_set_nodelay(int fd);
/* At most so many bytes are read in a turn: for one of many, who must not hold up the others. 0: as many as there are. */
void conn_set_share(struct conn *c, size_t bytes);
/* Of a stranger: it is read behind everybody else (loop_later). */
void conn_set_patient(struct conn *c, bool is_patient);
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* Ends it: what is queued is still written (at most linger_ms long), then shutdown and close. Input stops now. Idempotent. */
void conn_close(struct conn *c, unsigned linger_ms);
/* The same, or in place of its lingering, without what is still queued. */
void conn_abort(struct conn *c);

/* A listening socket with a budget (C-18): accepted(ctx, fd) owns the descriptor. Accepting stops while `may_accept` says
 * no (asked before every accept) and goes on after listener_resume. EMFILE never spins: it pauses 100 ms. Accepting comes behind everything
 * else (loop_later), and takes at most a quarter of the loop's time. */
struct listener;
struct listener *listener_new(struct loop *l, int fd, bool (*may_accept)(void *ctx),
    void (*accepted)(void *ctx, int fd), void *ctx);
/* Connections come in another way than by accept4: the next one, or -1 with errno as accept4 has it. */
void listener_set_take(struct listener *s, int (*take)(void *ctx));
void listener_pause(struct listener *s);
bool listener_is_listening(const struct listener *s);
void listener_resume(struct listener *s);
void listener_free(struct listener **s);
