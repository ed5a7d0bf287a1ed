/* Scenes: named clients, a little authd and storaged in memory, and what sessiond makes of it as text. A test says what
 * somebody sends and compares what comes out:
 *
 *	says(s, "romeo/orchard", "<message to='juliet@h' type='chat'><body>hi</body></message>");
 *	expect(s, "juliet/balcony: <message from='romeo@h/orchard' to='juliet@h' type='chat'><body>hi</body></message>\n");
 *
 * A line is "CLIENT: stanza" for what a client gets, or "ROLE MESSAGE …" for what goes elsewhere. Random and changing
 * things are replaced: ids of pushes by "push", stamps by "T"; the payload of an error by its condition in brackets. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "account.h"
#include "base/arena.h"
#include "base/mem.h"
#include "fake_bus.h"
#include "scene_store.h"
#include "session.h"

#define CLIENTS_MAX 256

struct client {
	char name[64]; /* "romeo/orchard" */
	struct endpoint edge;
	uint64_t conn;
	struct id128 sid;
	uint64_t n; /* of the last stanza sent */
	uint64_t k; /* of the last one got */
	uint64_t epoch;
	struct id128 token;
	uint64_t last_acked; /* result of the last says: acknowledged at once? */
};

struct scene {
	struct sessiond sd;
	struct daemon daemon;
	struct sessiond_settings settings;
	struct bus bus;
	struct endpoint edge; /* c2sd.0 */
	struct client clients[CLIENTS_MAX];
	unsigned n_clients;
	uint64_t next_conn; /* of those that resume */

	/* authd */
	const char *users[USERS_MAX]; /* bare JIDs that exist */
	uint64_t generation;
	/* storaged */
	struct item items[USERS_MAX];
	unsigned n_items;
	struct row rows[ROWS_MAX];
	unsigned n_rows;
	uint64_t next_row, version;
	struct session_row sessions[USERS_MAX];
	unsigned n_sessions;
	struct value values[USERS_MAX];
	unsigned n_values;
	enum bus_error refuse_put; /* ROSTER_PUT, BLOB_PUT answer FAILED with this; 0: they don't */
	enum bus_error refuse_account; /* PASSWORD_SET, USER_REMOVE_SELF likewise */
	enum bus_error refuse_store;   /* STORE comes back; 0: it doesn't */
	bool is_storaged_down,
	    is_authd_down; /* their requests stay open until scene_pump after they are back */
	bool hold_acks;    /* deliveries stay unacknowledged until scene_ack */
	bool shows_stores; /* STORE and OWED_DROP in the transcript */
	bool shows_copies; /* PRESENCE_COPY in the transcript */

	struct arena arena;
	struct buf out; /* the transcript */
};

/* A suite of one shard with its gate open; users romeo, juliet, mercutio, benvolio, tybalt, nurse @h exist. */
struct scene *scene_new(void);
/* The same, but just linked: the gate is closed. */
struct scene *scene_new_closed(void);
void scene_free(struct scene *s);
/* Ends it as the skeleton does: the bus first. */
void scene_stop(struct scene *s);
/* Key and REG_END: the gate opens. */
void scene_open(struct scene *s);
/* Answers what is open as far as authd and storaged are up, writes the transcript. */
void scene_pump(struct scene *s);
/* Acknowledges all deliveries that were held. */
void scene_ack(struct scene *s);

/* Binds; the client's name is "local/resource". login also sends presence and forgets the transcript so far. */
struct client *binds(struct scene *s, const char *name);
struct client *login(struct scene *s, const char *name);
struct client *client_of(struct scene *s, const char *name);
void says(struct scene *s, const char *name, const char *stanza);
/* XEP-0352 <active/> or <inactive/>. */
void is_active(struct scene *s, const char *name, bool is_active);
/* The stream was closed. */
void leaves(struct scene *s, const char *name);
/* The edge has written everything the client got. */
void reads(struct scene *s, const char *name);
/* A stanza from another server (ROUTE from s2sd), or of another kind from elsewhere. */
void remote_says(struct scene *s, const char *stanza);
void route_in(struct scene *s, enum role from, enum msg_type type, const char *stanza);

/* Compares the transcript since the last call, and forgets it. */
void expect_(struct scene *s, const char *text, const char *file, int line);
#define expect(s, text) expect_(s, text, __FILE__, __LINE__)
#define expect_nothing(s) expect_(s, "", __FILE__, __LINE__)
void forget(struct scene *s);
/* Does the transcript have this text? Does not forget. */
bool has(struct scene *s, const char *text);

/* An envelope from text; strings in the scene's arena. */
struct stanza stanza_from(struct scene *s, const char *text);

#include "scene_detached.h"
#include "scene_window.h"
