/* A page is asked for behind everything that came before it: who was acknowledged, or has been given a message, finds it. So
 * the request goes through the queue of archive.db's writer, as nothing, and then to the reader. */
#include <stdlib.h>

#include "base/mem.h"
#include "page.h"
#include "search.h"

struct page_wait {
	struct db_job base;
	struct storaged *storaged;
	struct bus_in in; /* its custody is held, its body is ours */
	struct buf body;
	struct store_file *file; /* who answers */
	job_exec *exec;
};

static int
wait_run(struct db_job *base, sqlite3 *db)
{
	(void)base;
	(void)db;
	return SQLITE_OK;
}

static void
wait_done(struct db_job *base, int rc)
{
	struct page_wait *w = CONTAINER_OF(base, struct page_wait, base);

	/* That the batch before failed does not matter here. */
	(void)rc;
	if (!w->storaged->is_stopping) {
		w->in.body = buf_str(&w->body);
		job_submit(w->storaged, w->file, &w->in, w->exec, NULL);
		custody_resume(w->in.custody);
		custody_release(w->in.custody);
	}
	buf_deinit(&w->body);
	free(w);
}

static void
wait_begin(struct storaged *s, struct store_file *file, const struct bus_in *in, job_exec *exec)
{
	struct page_wait *w = NEW(struct page_wait);

	w->base.run = wait_run;
	w->base.done = wait_done;
	w->storaged = s;
	w->in = *in;
	custody_hold(in->custody);
	custody_defer(in->custody);
	buf_add_str(&w->body, in->body);
	w->file = file;
	w->exec = exec;
	db_writer_submit(s->archive.writer, &w->base);
}

void
handle_archive_query(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_ARCHIVE_QUERY *m = msg;
	struct storaged *s = ctx;

	if (str_empty(m->text))
		wait_begin(s, &s->pages, in, archive_query);
	else if (search_is_on(s))
		wait_begin(s, &s->search->file, in, archive_search);
	else
		bus_answer_failed(in->bus, &in->from, m->req, BUS_ERROR_UNAVAILABLE,
		    "there is no search", in->custody);
}

void
handle_archive_metadata_get(void *ctx, const struct bus_in *in, const void *msg)
{
	struct storaged *s = ctx;

	(void)msg;
	wait_begin(s, &s->pages, in, archive_metadata);
}
