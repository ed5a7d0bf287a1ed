/* The parts of the yardstick: what the edge knows of a connection, and what its files call of each other. */
#ifndef BENCH_YARDSTICK_H
#define BENCH_YARDSTICK_H

#include <gnutls/gnutls.h>
#include <libxml/parser.h>

#include "bytes.h"

#define NAMES 65536 /* buckets of the table of users */
#define FIELD 128
#define PIPE_BYTES (1 << 20)

struct edge;

struct conn {
	struct edge *edge;
	int fd;
	gnutls_session_t tls;
	bool dirty, wants_out, secured, ended;
	enum {
		GO_ON,
		RESTART,
		SECURE
	} after; /* what follows the element under way */
	xmlParserCtxtPtr parser;
	unsigned depth;
	char user[FIELD], name[16], to[FIELD], id[FIELD], type[16], child[16];
	struct bytes payload, text, out;
	struct conn *next; /* in its bucket */
	struct conn *next_dirty;
};

struct edge {
	int epoll, listener, hub;
	const char *domain;
	bool tls;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	struct conn *users[NAMES], *dirty;
	struct bytes to_hub, from_hub;
};

/* A frame: its whole length, the length of the receiver's name, the name, the stanza. */
struct frame {
	uint32_t length, name_length;
};

/* yardstick.c */
struct conn **bucket_of(struct edge *e, const char *name, size_t n);
void mark(struct conn *c); /* has output, or has ended */
void end(struct conn *c);

/* yardstick_xml.c: input, in clear. It may leave c->after, for the caller to do. */
void xml_parse(struct conn *c, const char *p, size_t n);
void xml_free(struct conn *c);

/* yardstick_relay.c: starts router and session; e->hub leads to the router. */
void start_others(struct edge *e);
void write_all(int fd, struct bytes *out);

#endif
