/* The hub: all links, who they belong to, and what passes between them.
 *
 * Glossary. door: the listening socket of one role. link: one connection, of one endpoint once it has said HELLO. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "bus/frame.h"
#include "loop/conn.h"
#include "loop/loop.h"

/* A door lets in this many connections at a time; further ones wait in the kernel. */
#define LINKS_PER_ROLE 64
#define HELLO_TIMEOUT_MS 5000
/* From so many queued bytes on, each sender's share of them is counted; a sender over its share ignores its windows
 * (six levels of 4 MiB and what one handler sends) and loses its link. */
#define QUEUE_SOFT_BYTES (8u * 1024 * 1024)
#define QUEUE_SHARE_BYTES (32u * 1024 * 1024)

struct door;

/* Who may come through a door. */
struct door_rule {
	enum role role;
	uid_t uid;      /* the role's user */
	bool operators; /* also root and members of the group */
	gid_t group;    /* (gid_t)-1: none */
};

enum link_state {
	LINK_GREETING, /* connected, no HELLO yet */
	LINK_UP,
	LINK_CLOSED,
};

struct hub_link {
	struct list node; /* in hub->links */
	struct hub *hub;
	struct conn *conn;
	enum link_state state;
	enum role role; /* by its door */
	uint16_t number;
	uint64_t inc;
	uint64_t since_ms;
	struct frame_cutter cutter;
	uint32_t *shares; /* bytes by sender since the queue is long; NULL: it is not */
};

struct hub_stats {
	uint64_t forwarded, dropped, refused;
};

struct hub {
	struct loop *loop;
	uint64_t inc, started_ms;
	bool trace;
	struct door *doors[ROLE_COUNT];
	struct list links; /* all that are not closed; at most LINKS_PER_ROLE for each door */
	struct hub_link *by_number[ROLE_COUNT << 8]; /* those that are up */
	struct loop_timer *hello_timer;
	struct rec_route *routes; /* names lie in route_names */
	uint32_t n_routes;
	struct buf route_names;
	struct hub_stats stats;
	uint64_t refused_inc; /* the last one with another schema: said once */
};

struct hub *hub_new(struct loop *loop);
void hub_free(struct hub **h);
/* Takes the listening descriptor. */
void hub_open_door(struct hub *h, int fd, const struct door_rule *rule);
/* The table that is pushed to all. Copied. */
void hub_set_routes(struct hub *h, const struct rec_route *routes, uint32_t n);
struct hub_stats hub_stats(const struct hub *h);
unsigned hub_n_links(const struct hub *h);

/* NULL: not connected. */
struct hub_link *hub_find(const struct hub *h, uint16_t number);
/* Closes the link and tells all others; why is logged. */
void hub_refuse(struct hub_link *l, const char *why);
void hub_close_link(struct hub_link *l);

/* door.c */
struct door *door_new(struct loop *loop, int fd, const struct door_rule *rule,
    void (*accepted)(void *ctx, int fd, enum role role), void *ctx);
void door_free(struct door **d);
/* A link of this role has ended: another one may come in. */
void door_link_ended(struct door *d);
bool door_admits(const struct door_rule *rule, int fd);

/* greeting.c: who is there */
bool greeting_take_hello(struct hub_link *l, const struct frame *f);
void greeting_tell_down(struct hub_link *l);
void greeting_send(struct hub_link *l, enum msg_type type, const void *msg);
void greeting_check_timeouts(void *hub);

/* rights.c: the table of messages.def as the router sees it */
bool rights_may_talk(enum role a, enum role b);
/* What is wrong with this frame coming from this link, or NULL. */
const char *rights_check(enum role role, uint16_t number, uint64_t inc, const struct frame *f);
