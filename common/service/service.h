/* The one skeleton of all daemons (DESIGN.md §5): options → log → settings → check (-n stops here, -nn prints) → open
 * what needs privilege or a name → limits → chroot → groups, user → no_new_privs → Landlock → threads → seccomp → open
 * the own store → ready → link → loop → orderly stop.
 *
 * A daemon is a `static const struct service` and `int main(int argc, char **argv) { return service_main(&x, argc, argv); }`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "bus/bus.h"
#include "loop/loop.h"
#include "service/sandbox.h"
#include "service/settings.h"

struct daemon;

struct service {
	const char *name; /* "c2sd": of the program, the log, the folder, the settings file */
	enum role role;
	const char *summary; /* one line for --help and the manual page */

	const struct setting *settings; /* the table; up to an entry without a name */
	size_t settings_size;           /* of the struct the table fills */
	/* Relations between keys; NULL: none. 0, or -1 with *err filled. */
	int (*check)(const struct daemon *d, const void *settings, struct err *err);

	const struct sandbox *sandbox;

	/* With privilege, names still resolve: listeners, keys, folders. */
	int (*open)(struct daemon *d, struct err *err);
	/* Threads, which must exist before seccomp. No file opens any more, but those of `data` for whom they are. */
	int (*threads)(struct daemon *d, struct err *err);
	/* In the sandbox: the own store; everything that makes the daemon ready. */
	int (*start)(struct daemon *d, struct err *err);
	/* A reload has brought the files that new settings name (is_file): what is in them, in the order of the table, empty where none
	 * is named; borrowed. Called before `reloaded`; NULL: no setting is such. -1 with *err: the old settings stay in force. */
	int (*take_files)(struct daemon *d, const struct str *texts, struct err *err);
	/* New settings are in force (already checked; d->settings is the new struct, old is freed after the call). */
	void (*reloaded)(struct daemon *d, const void *old);
	/* A line came over the control socket that the skeleton does not know; descriptors that came with it are the callee's.
	 * The answer goes into out. False: unknown command. */
	bool (*control)(
	    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out);
	/* An orderly stop was asked for, and the bus is still there. True: there is something to finish first, and service_quit ends
	 * it (as a second signal does); the daemon sees to a deadline. NULL: there never is. */
	bool (*drain)(struct daemon *d);
	/* The exact reverse of start, threads, open; anything may be missing. */
	void (*stop)(struct daemon *d);

	/* The bus; handlers NULL: no link (router, keyd). */
	const struct bus_handler *handlers;
	const struct bus_events *events;

	/* Listeners of this daemon for `-L` and LISTEN_FDS (c2sd …); NULL: none. Calls add once per listener. */
	void (*listeners)(const struct daemon *d,
	    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);
};

/* What all need to know, from jackdaw.conf. Strings live until the next reload. */
struct suite {
	const char *const *domains; /* user domains, prepared; NULL-terminated */
	size_t n_domains;
	const char *const *components; /* names of components */
	size_t n_components;
	const char *const *admins; /* bare JIDs */
	size_t n_admins;
	const char *admin_group; /* Unix group that may administer; "" = root and the suite's owner only */
	bool registration;                   /* strangers may make accounts (XEP-0077) */
	unsigned n_c2sd, n_s2sd, n_sessiond; /* instances */
	int port_offset;
};

/* An administrator is a whole bare address that is set as such, in a domain whose accounts are ours: never a local part, never an
 * address of another server (INV-7). */
bool suite_is_admin(const struct suite *s, struct str bare);

struct daemon {
	const struct service *service;
	char name[32]; /* "c2sd.0" */
	unsigned instance;
	const char *dir; /* of --dir; NULL: the installed paths */
	struct loop *loop;
	struct bus *bus; /* NULL without handlers */
	struct suite suite;
	const void *settings; /* struct of service->settings */
	void *state;          /* the daemon's own; also the ctx of handlers and events */
	struct listen_fds *listen_fds;
};

int service_main(const struct service *s, int argc, char **argv);

/* In open: the listening socket for this name: inherited (LISTEN_FDS, LISTEN_FDNAMES) or bound now. Address "*" = all, v6 and
 * v4 in one socket where possible. Non-blocking, close-on-exec, backlog 4096. -1 with *err filled ("port 5222 is taken: …"). */
int service_listen_tcp(
    struct daemon *d, const char *name, const char *address, uint16_t port, struct err *err);

/* In open: a Unix stream or seqpacket listener, or a datagram socket, named `file` in the folder of `role` ("run folder"), to be
 * connected by that role's user only. */
int service_listen_unix(
    struct daemon *d, enum role role, const char *file, int type, struct err *err);

/* In open: lets the members of a group connect to such a socket too. */
int service_share_unix(
    struct daemon *d, enum role role, const char *file, uint32_t group, struct err *err);

/* In open: whose uid the processes of a role have here; (uid_t)-1 when every role has ours. For SO_PEERCRED checks. */
uint32_t service_role_uid(const struct daemon *d, enum role role);

/* Ready may be delayed (storaged: after recovery): call service_hold in open/start, service_ready when done. */
void service_hold(struct daemon *d);
void service_ready(struct daemon *d);

/* Orderly stop from inside; ends what drain has begun. */
void service_quit(struct daemon *d);
