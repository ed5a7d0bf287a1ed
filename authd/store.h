/* data/credentials.db: accounts, their credentials, and this server's secrets. Requests run on the
 * writer's thread, many to a commit (db/writer.h), and come back on the loop when they are on the
 * disk. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "credential.h"
#include "db/db.h"
#include "db/writer.h"

#define STORE_SECRET_BYTES 32
#define STORE_ROWS_MAX 1000           /* of one answer */
#define STORE_ROWS_BYTES (512 * 1024) /* of names in one answer: it must fit in a frame */

enum store_verb {
	STORE_FIND,        /* jid: account and credentials */
	STORE_ADD,         /* jid, domain, credentials, maker */
	STORE_PASSWD,      /* jid, credentials, close_sessions: raises the generation */
	STORE_REMOVE,      /* jid: a tombstone from now on */
	STORE_FORGET,      /* jid: the tombstone goes */
	STORE_RAISE,       /* jid: raises the generation */
	STORE_GENERATIONS, /* names: generations of those that exist */
	STORE_LIST,        /* domain ("": all), after */
	STORE_PENDING,     /* accounts that sessiond has to hear of, behind `after` */
	STORE_TOLD,        /* jid, generation: sessiond has heard of it */
	STORE_CHECK,       /* is the file sound? If not, the process ends (db/damage.h) */
	STORE_VERB_COUNT,
};

enum store_result {
	STORE_OK,
	STORE_NOT_FOUND,
	STORE_EXISTS,
	STORE_BEING_REMOVED, /* a tombstone stands */
	STORE_FULL,          /* no room on the disk */
	STORE_ERROR,
};

/* What sessiond still has to be told of an account; stored. */
enum store_notice {
	NOTICE_NONE,
	NOTICE_CHANGED, /* the generation was raised */
	NOTICE_CLOSE,   /* and its sessions are to be closed */
	NOTICE_REMOVE,  /* the account is a tombstone */
};

/* Who asked for an account: the same request, sent again after a restart, finds its own work done.
 * Zero: not known. */
struct store_maker {
	uint64_t incarnation, request;
};

struct store_row {
	char *jid;
	size_t jid_n;
	uint64_t generation;
	enum store_notice notice;
};

struct store;

/* Embedded in what the asker keeps; what `jid`, `domain`, `after` and `names` point to must live
 * until done. */
struct store_request {
	struct db_job job; /* the writer's */
	struct store *store;
	enum store_verb verb;
	void (*done)(struct store_request *r); /* on the loop; the asker's again from here on */

	struct str jid, domain, after;
	const struct str *names;
	size_t n_names;
	struct store_maker maker;
	bool close_sessions;
	bool check_only; /* of ADD, PASSWD: do nothing, say what this request has done before */
	bool no_room;    /* of ADD, PASSWD: what would be written is refused with STORE_FULL */

	/* in for ADD and PASSWD, out for FIND */
	struct credentials credentials;
	/* in for TOLD; out for FIND, ADD, PASSWD, RAISE */
	uint64_t generation;

	enum store_result result;
	struct store_row *rows; /* GENERATIONS, LIST, PENDING */
	size_t n_rows;
	bool more; /* rows were left out */
};

/* Secrets of this server that outlive a restart, made when the file is. */
struct store_secrets {
	uint8_t capability[STORE_SECRET_BYTES];
	uint8_t fake[STORE_SECRET_BYTES];
};

extern const struct db_schema store_schema;

/* Opens and migrates; the writer may be given later. */
struct store *store_open(const char *path, struct err *err);
/* From now on requests run on the writer's thread. */
void store_attach(struct store *s, struct db_writer *writer);
/* Waits for what is under way (done is called for it), closes the file. The writer is gone after
 * this. */
void store_close(struct store **s, struct db_writer **writer);

/* Runs a request; r->done is called later, on the loop, never from here. */
void store_submit(struct store *s, struct store_request *r);
/* The same on the calling thread, at once, without a writer (offline mode, start); done is not
 * called. */
enum store_result store_run(struct store *s, struct store_request *r);
void store_request_deinit(struct store_request *r);

int store_secrets(struct store *s, struct store_secrets *secrets_r, struct err *err);
