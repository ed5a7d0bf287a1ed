/* Jobs: see job.h. One teardown: job_free, called from job_done. */
#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "run.h"
#include "sweep.h"

struct decoded {
	_Alignas(max_align_t) uint8_t bytes[JOB_MESSAGE_MAX];
};

static void
job_decode(const struct job *job, struct decoded *msg)
{
	if (job->message->body.size > sizeof(msg->bytes))
		bug("%s is too large for a job", job->message->body.name);
	if (!bus_decode(job->message, buf_str(&job->body), msg->bytes))
		bug("%s was decoded once and cannot be decoded again", job->message->body.name);
}

static int
job_run(struct db_job *base, sqlite3 *db)
{
	struct job *job = CONTAINER_OF(base, struct job, base);
	struct decoded msg;

	job_decode(job, &msg);
	if (!job->is_second && !job->goes_on) {
		arena_clear(&job->arena);
		job->result = JOB_SILENT;
		job->progress = NULL;
	}
	job->goes_on = false;
	job->archived.id = job->gone_upto = 0;
	return job->exec(job, db, msg.bytes);
}

/* The number of a request; 0 when the message asks for no answer. */
static uint64_t
job_request(const struct job *job, const struct decoded *msg)
{
	const struct bus_field *first = job->message->body.fields;
	uint64_t req = 0;

	if (job->message->body.n_fields && first->kind == FIELD_req)
		memcpy(&req, msg->bytes + first->offset, sizeof(req));
	return req;
}

static void
job_free(struct job *job)
{
	custody_resume(job->custody);
	custody_release(job->custody);
	buf_deinit(&job->body);
	buf_deinit(&job->carried);
	arena_deinit(&job->arena);
	free(job);
}

static enum bus_error
job_error_of(int rc)
{
	return (rc & 0xff) == SQLITE_FULL ? BUS_ERROR_FULL : BUS_ERROR_INTERNAL;
}

/* A message that could not be kept goes back whole, so that its sender gets it bounced. On a full disk many that nobody waits for are
 * only counted. */
static void
job_return_message(struct job *job, const struct decoded *msg)
{
	const struct msg_STORE *m = (const void *)msg->bytes;
	struct msg_STORE_FAILED failed = {
	    .error = (uint8_t)job->error, .owed = m->owed, .st = m->st};

	if (job->error == BUS_ERROR_FULL && (m->archive_from || m->archive_to))
		atomic_fetch_add(&job->storaged->disk.unarchived, 1);
	if (job->error == BUS_ERROR_FULL && !m->owed)
		return;
	bus_send(job->storaged->daemon->bus, &job->from, MSG_STORE_FAILED, &failed, &job->op,
	    job->custody, 0);
}

static void
job_reply(struct job *job)
{
	struct bus *bus = job->storaged->daemon->bus;
	struct decoded msg;
	uint64_t req;

	job_decode(job, &msg);
	req = job_request(job, &msg);
	if (job->result == JOB_ANSWER)
		bus_answer(bus, &job->from, req, job->type, &job->answer, &job->op, job->custody);
	else if (job->result == JOB_REFUSE && req)
		bus_answer_failed(bus, &job->from, req, job->error, job->text, job->custody);
	else if (job->result == JOB_REFUSE && job->message->type == MSG_STORE)
		job_return_message(job, &msg);
}

void
job_abandon(struct job *job)
{
	job->custody = NULL;
	job_free(job);
}

/* Closing down, main.db may be the later one: then nothing is acknowledged (the bus ends all custodies), and the frame comes to
 * the next process, which does both parts again. */
void
job_submit_again(struct job *job)
{
	struct storaged *s = job->storaged;
	struct store_file *file = job->on_main != job->is_second ? &s->main : &s->archive;

	if (file->writer)
		db_writer_submit(file->writer, &job->base);
	else
		job_abandon(job);
}

static void
job_go_on(struct job *job)
{
	job->exec = job->then;
	job->then = NULL;
	job->is_second = true;
	job_submit_again(job);
}

/* Refused with what SQLite says; false when it is kept instead. A full disk has its own line in the log, one for all. */
static bool
job_failed(struct job *job, int rc)
{
	bool is_full = (rc & 0xff) == SQLITE_FULL;

	if (is_full && disk_met_full(job->storaged, job))
		return false;
	if (!is_full)
		log_error("%s failed: %s", job->message->body.name, sqlite3_errstr(rc));
	job_refuse(job, job_error_of(rc), sqlite3_errstr(rc));
	return true;
}

static void
job_done(struct db_job *base, int rc)
{
	struct job *job = CONTAINER_OF(base, struct job, base);

	if (job->storaged->is_stopping) {
		/* The bus is gone, and its custodies: nothing is acknowledged, the frame comes to the next process. */
		job_abandon(job);
		return;
	}
	if (rc == SQLITE_OK && job->goes_on) {
		db_writer_submit(job->file->writer, &job->base);
		return;
	}
	if (rc != SQLITE_OK && !job_failed(job, rc))
		return;
	if (rc == SQLITE_OK && job->gone_upto)
		sweep_owe(job->storaged, job->gone_upto, job->is_hasty);
	if (rc == SQLITE_OK && job->then && job->result != JOB_REFUSE) {
		job_go_on(job);
		return;
	}
	/* Before it is acknowledged: who asks for it then must find it. */
	if (rc == SQLITE_OK && job->archived.id)
		run_add(job->storaged, &job->archived);
	job_reply(job);
	disk_release(job->storaged, job);
	job_free(job);
}

void
job_submit(struct storaged *s, struct store_file *file, const struct bus_in *in, job_exec *exec,
    job_exec *then)
{
	struct job *job = NEW(struct job);

	job->base.run = job_run;
	job->base.done = job_done;
	job->storaged = s;
	job->message = in->message;
	job->from = in->from;
	job->op = in->op;
	job->custody = custody_hold(in->custody);
	custody_defer(job->custody);
	buf_add_str(&job->body, in->body);
	job->exec = exec;
	job->then = then;
	job->file = file;
	job->on_main = file == &s->main;
	job->base.is_alone = file->is_reader;
	if (!disk_holds_back(s, job))
		db_writer_submit(file->writer, &job->base);
}

int
job_answer(struct job *job, enum msg_type type)
{
	job->result = JOB_ANSWER;
	job->type = type;
	return SQLITE_OK;
}

int
job_refuse(struct job *job, enum bus_error error, const char *text)
{
	job->result = JOB_REFUSE;
	job->error = error;
	job->text = text;
	return SQLITE_OK;
}
