/* A router in the test's own loop, with three endpoints that are sockets held by the test. */
#pragma once

#include "rig.h"

struct client {
	int fd;
	uint16_t number;
	uint64_t inc;
	struct buf in;
	bool closed;
};

/* The three are linked and have read what that brings: c2sd.0, sessiond.0, storaged.0 with incarnations 10, 20, 30. */
extern struct loop *loop;
extern struct hub *hub;
extern struct client c2sd, sessiond, storaged;

int house_setup(void **state);
int house_teardown(void **state);
void house_turns(int n);
int house_dial(enum role role);
/* What must hold after c2sd has broken a rule: its link is closed, and nothing else has happened. */
void house_only_c2sd_is_closed(void);

/* Connects as role.0. */
void client_dial(struct client *c, enum role role, uint64_t inc);
void client_greet(struct client *c);
void client_hang_up(struct client *c);
void client_write(struct client *c, struct str bytes);
/* A header from this client; to NULL: to the router. */
struct frame client_header(const struct client *c, const struct client *to);
void client_send(struct client *c, struct frame *f, enum msg_type type, const void *msg);
void client_send_stanza(struct client *c, const struct client *to);
void client_reads(struct client *c);
/* The next frame; its body is borrowed from *copy. */
bool client_next(struct client *c, struct frame *f_r, struct buf *copy);
void client_expect(struct client *c, enum msg_type type);
void client_expect_nothing(struct client *c);
void client_expect_closed(struct client *c);
