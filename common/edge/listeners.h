/* The listening sockets of an edge: what the settings say of them, and their life. Whether there is room for anybody, and what
 * becomes of a visitor, is the daemon's to say; whether this one is let in, the listener's networks and the door (door.h). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/source.h"
#include "edge/door.h"
#include "loop/conn.h"
#include "service/service.h"
#include "service/settings.h"

#define LISTENERS_MAX 32 /* as many as the supervisor passes */

/* Of a section "listener"; the daemon's table says which of these can be set. */
struct listener_settings {
	const char *title; /* also the name under which the supervisor passes the socket */
	const char *address;
	int64_t port;
	int tls;           /* the daemon's enum listener_tls */
	bool certificates; /* clients are asked for theirs */
	bool servers;      /* servers may come to it, and are handed over (handover.h) */
	struct setting_strings allow;
};

/* Rows of the daemon's table of a listener, and the row of all listeners in its table. */
#define LISTENER_AT(member) offsetof(struct listener_settings, member)
#define LISTENER_ROWS(address_, port_)                                  \
	{.name = "address",                                             \
	    .type = SETTING_STRING,                                     \
	    .offset = LISTENER_AT(address),                             \
	    .def = address_,                                            \
	    .max = 64,                                                  \
	    .help = "IPv4 or IPv6 address to listen on; * is all"},     \
	    SETTING_INT_ROW("port", LISTENER_AT(port), port_, 1, 65535, \
		"Port, before the suite's port_offset is added")
#define LISTENER_TLS_ROW(def_, words, help_)                                                  \
	{                                                                                     \
		.name = "tls", .type = SETTING_ENUM, .offset = LISTENER_AT(tls), .def = def_, \
		.text = words, .help = help_                                                  \
	}
#define LISTENERS_ROW(offset_, table, usual)                                                       \
	{                                                                                          \
		.name = "listener", .at_start = true, .type = SETTING_SECTIONS, .offset = offset_, \
		.section = table, .section_size = sizeof(struct listener_settings),                \
		.help = "A listening socket; without any: " usual                                  \
	}

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
/* For the check of the settings: not too many, no port over 65535, networks that are some. Returns 0, or -1 with the reason in
 * err. */
int listeners_check(
    const struct daemon *d, const struct setting_sections *sections, struct err *err);

struct gate;

struct gate_events {
	/* Room for one more: asked before each connection is accepted. */
	bool (*may_accept)(const struct gate *g);
	/* A visitor who was let in, and counts as a stranger until door_leave; fd is the daemon's. */
	void (*visitor)(const struct gate *g, int fd, const struct visitor *v);
};

struct gate {
	void *edge; /* the daemon's state */
	int tls;    /* the daemon's enum listener_tls */
	bool certificates, servers;
	int fd;
	const struct gates *all;
	struct listener *listener;
	struct networks allow; /* none: everybody */
	uint8_t *bytes; /* of one through which connections are handed over; NULL: it accepts */
	struct str read; /* that were read already of the visitor of now; borrowed until `visitor` returns */
};

struct gates {
	struct gate v[LISTENERS_MAX + 1];
	unsigned n;
	const struct gate_events *events;
	struct door *door;
	struct loop *loop;
};

/* The sockets: before the sandbox. */
int gates_open(struct gates *g, struct daemon *d, const struct listeners *l, struct err *err);
/* One more, for what c2sd hands over to this process. It comes in as everybody does: `may_accept`, the door, `visitor`. */
int gates_open_handover(struct gates *g, struct daemon *d, struct err *err);
void gates_start(
    struct gates *g, struct loop *loop, struct door *door, const struct gate_events *events);
/* may_accept may say something else now. */
void gates_resume(struct gates *g);
void gates_stop(struct gates *g);
