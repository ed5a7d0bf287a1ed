/* See words.h. */
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

struct words {
	fts5_tokenizer api;
	Fts5Tokenizer *tokenizer;
};

static fts5_api *
find_api(sqlite3 *db)
{
	fts5_api *api = NULL;
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL) == SQLITE_OK) {
		sqlite3_bind_pointer(st, 1, (void *)&api, "fts5_api_ptr", NULL);
		sqlite3_step(st);
	}
	sqlite3_finalize(st);
	return api;
}

struct words *
words_new(sqlite3 *db)
{
	const char *options[] = {"remove_diacritics", "2"}; /* as schema.c has it */
	fts5_api *api = find_api(db);
	struct words *w = NEW(struct words);
	void *ctx;

	if (!api || api->xFindTokenizer(api, "unicode61", &ctx, &w->api) != SQLITE_OK ||
	    w->api.xCreate(ctx, options, COUNT(options), &w->tokenizer) != SQLITE_OK)
		words_free(&w);
	return w;
}

void
words_free(struct words **wp)
{
	struct words *w = *wp;

	if (!w)
		return;
	if (w->tokenizer)
		w->api.xDelete(w->tokenizer);
	free(w);
	*wp = NULL;
}

/* U+E000, of the private use area, is part of a word for the tokenizer, and hardly ever of a text. */
void
words_add_owner(struct buf *out, uint64_t owner)
{
	buf_printf(out, "\xee\x80\x80%" PRIu64 " ", owner);
}

struct match {
	struct buf *out;
	unsigned n;
};

/* In a word is nothing that would have to be escaped: letters and digits. */
static int
on_word(void *ctx, int flags, const char *word, int n, int start, int end)
{
	struct match *m = ctx;

	(void)flags;
	(void)start;
	(void)end;
	if (++m->n > WORDS_MAX)
		return SQLITE_DONE;
	buf_add_z(m->out, " AND \"");
	buf_add(m->out, word, (size_t)n);
	buf_add_c(m->out, '"');
	return SQLITE_OK;
}

unsigned
words_match(struct words *w, uint64_t owner, struct str text, struct buf *out)
{
	struct match m = {.out = out};

	buf_add_c(out, '"');
	words_add_owner(out, owner);
	buf_add_c(out, '"');
	w->api.xTokenize(w->tokenizer, &m, FTS5_TOKENIZE_QUERY, text.p, (int)text.n, on_word);
	return m.n;
}
