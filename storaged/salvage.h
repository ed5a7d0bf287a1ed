/* archive.db, or a new one in the place of one that is damaged (db/damage.h): that is set aside, and of what was in it the offline
 * messages are saved that can be read. They are owed as before, but are in no archive: which of them had been removed from there,
 * nobody could tell for sure. Everything else stays in the file that was set aside, for the operator. */
#pragma once

#include "storaged.h"

/* As db_open. At the start, on the loop: as long as it takes to copy what is owed. */
int salvage_open(sqlite3 **db_r, struct err *err);
