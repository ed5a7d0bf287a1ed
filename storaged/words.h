/* Words of texts as the index of search.db has them: SQLite's own tokenizer (unicode61), so that what is asked for is cut up
 * as what was written: case and accents do not count, anything but letters and digits parts words. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"

#define WORDS_MAX 16 /* of one question */

struct words;

/* NULL: this SQLite has no FTS5. */
struct words *words_new(sqlite3 *db);
void words_free(struct words **w);

/* Appends the word that stands for an owner. A text may have it too, so a hit is only a hint. */
void words_add_owner(struct buf *out, uint64_t owner);
/* Appends the expression that finds the owner's messages that have all words of the text. The number of those words: 0 finds
 * nothing, more than WORDS_MAX are too many. */
unsigned words_match(struct words *w, uint64_t owner, struct str text, struct buf *out);
