/* For tests of database files: a folder of their own, and files in it that are asked, and spoilt. */
#pragma once

#include "db/db.h"

#define RIG_PAGE 4096

/* Of each test; the folder is the working directory. */
int db_rig_setup(void **state);
int db_rig_teardown(void **state);

/* These assert that it goes well. */
sqlite3 *db_rig_open(const char *path, const struct db_schema *schema);
/* The number that a query answers with. */
int db_rig_number(sqlite3 *db, const char *sql);
/* This page, from 0, is none any more. */
void db_rig_spoil(const char *path, long page);
