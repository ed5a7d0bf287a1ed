/* A request on its way through a writer's thread: the frame's bytes are copied, decoded there, executed in the batch's
 * transaction, and answered from the loop after the commit. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "storaged.h"

struct job;

/* On the writer's thread; msg is the decoded request. May run again after a rollback (job->arena is cleared before), or because
 * it goes on (it is not cleared; readers only). Sets
 * job->answer and its struct, or job->error for a refusal (then returns SQLITE_OK; nothing may have been changed).
 * SQLITE_OK or the error of the statement that failed. */
typedef int job_exec(struct job *job, sqlite3 *db, const void *msg);

#define JOB_MESSAGE_MAX 1024 /* of the structs of the messages that storaged takes */

union job_answer {
	struct msg_DONE done;
	struct msg_OWED owed;
	struct msg_ROSTER roster;
	struct msg_ROSTER_CHANGED roster_changed;
	struct msg_BLOB blob;
	struct msg_STORE_FAILED store_failed;
	struct msg_ARCHIVE_PAGE page;
	struct msg_ARCHIVE_METADATA metadata;
	struct msg_LOADED loaded;
	struct msg_ARCHIVE_STATS stats;
};

enum job_result {
	JOB_SILENT, /* committed; the acknowledgement says it all */
	JOB_ANSWER, /* answer with `type` */
	JOB_REFUSE, /* FAILED with error and text */
};

struct job {
	struct db_job base;
	struct storaged *storaged;
	const struct bus_message *message;
	struct endpoint from;
	struct opid op;
	struct custody *custody; /* held until the answer is sent */
	struct buf body;
	struct store_file *file;
	job_exec *exec;
	job_exec *then;     /* a second part, on the other file; NULL: none */
	bool on_main;       /* the first part */
	bool is_second;     /* the first is committed, and its answer stands */
	struct buf carried; /* from the first part to the second */
	struct arena arena; /* what the answer points to */
	enum job_result result;
	enum msg_type type;
	union job_answer answer;
	enum bus_error error;
	const char *text;
	struct archived archived; /* by a STORE, when it is committed; id 0: nothing */
	uint64_t gone_upto; /* of some archive all up to here is gone, when it is committed: a sweep is due */
	bool is_hasty;  /* and somebody waits for it */
	bool goes_on;   /* set by exec: that was a part, the next one behind whatever waits */
	void *progress; /* of one that goes on, in the arena */
	bool is_held;   /* disk.h; its link is in that list, or it is tried again */
	uint64_t order; /* there; of those that have one */
};

/* Takes the frame being handled and queues it for that file; `then` is executed when `exec` is committed and not refused. */
void job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in,
    job_exec *exec, job_exec *then);

/* One that is held by disk.h: once more through its file's thread, or to its end without an acknowledgement. */
void job_submit_again(struct job *job);
void job_abandon(struct job *job);

/* For exec functions. */
int job_answer(struct job *job, enum msg_type type);
int job_refuse(struct job *job, enum bus_error error, const char *text);
