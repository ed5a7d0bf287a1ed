/* The listening sockets of an edge: what the settings say of them, and their life. Who is let in, and what becomes of him, is the
 * daemon's to say. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/source.h"
#include "loop/conn.h"
#include "service/service.h"
#include "service/settings.h"

#define LISTENERS_MAX 32 /* as many as the supervisor passes */
#define ALLOW_MAX 64     /* networks of a listener */

/* Of a section "listener"; the daemon's table says which of these can be set. */
struct listener_settings {
	const char *title; /* also the name under which the supervisor passes the socket */
	const char *address;
	int64_t port;
	int tls; /* the daemon's enum listener_tls */
	struct setting_strings allow;
};

struct listeners {
	struct listener_settings v[LISTENERS_MAX]; /* strings are the settings' */
	unsigned n;
};

/* Sections of the settings, or, without any, the usual ones; ports as they are bound. */
struct listeners listeners_in_force(const struct daemon *d, const struct setting_sections *sections,
    const struct listener_settings *usual, size_t n_usual);
/* For the daemon's print_listeners. */
void listeners_print(const struct listeners *l,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);
/* For the check of the settings: not too many, and no port over 65535. Returns 0, or -1 with the reason in err. */
int listeners_check(
    const struct daemon *d, const struct setting_sections *sections, struct err *err);

struct gate {
	void *edge; /* the daemon's state */
	int tls;    /* the daemon's enum listener_tls */
	int fd;
	struct listener *listener;
	struct network allow[ALLOW_MAX]; /* none: everybody */
	size_t n_allow;
};

struct gates {
	struct gate v[LISTENERS_MAX];
	unsigned n;
};

/* The sockets: before the sandbox. */
int gates_open(struct gates *g, struct daemon *d, const struct listeners *l, struct err *err);
/* Both get the gate as ctx (loop.h). */
void gates_start(struct gates *g, struct loop *loop, bool (*may_accept)(void *gate),
    void (*accepted)(void *gate, int fd));
/* may_accept may say something else now. */
void gates_resume(struct gates *g);
void gates_stop(struct gates *g);
bool gate_allows(const struct gate *g, const struct source *s);
