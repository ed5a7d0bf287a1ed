/* A database file that is damaged (SECURITY.md §3.8, F29). Whatever meets the damage leaves a note beside the file, and the process
 * ends: a damaged file is not written to again. From then on db_open refuses it, until the note is gone: an operator has put
 * another file in its place, or a daemon that can do without has set it aside.
 *
 *   PATH.damaged                       the note: what was seen, and by its time when
 *   PATH.damaged-20261127T013000.123Z  the file, set aside, and its log ("…-wal") */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

#define DAMAGE_NOTE ".damaged"
#define DAMAGE_PATH_MAX 640

/* The file is damaged, or is no database. */
bool damage_is(int rc);
/* Leaves the note, unless there is one; on the disk when it returns. Nothing for databases in memory. On any thread. */
void damage_note(sqlite3 *db, const char *what);
/* The same with SQLite's own words, if rc means damage. */
void damage_met(sqlite3 *db, int rc);
bool damage_is_noted(const char *path);
/* Ends the process if there is a note. */
void damage_end(const char *path);
/* What the note says, for people; "" without one. */
void damage_text(const char *path, char out[128]);
/* Moves a file with a note out of the way; the note stays. Idempotent: what lies at PATH after the file was moved was begun by one who did
 * not come to damage_settle, and is removed. The name is the same each time. -1 with *err. */
int damage_set_aside(const char *path, char aside_r[DAMAGE_PATH_MAX], struct err *err);
/* Takes the note away when another file is in place. -1 with *err: the new file must not be used. */
int damage_settle(const char *path, struct err *err);
