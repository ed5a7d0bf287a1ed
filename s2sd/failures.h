/* Domains that could not be reached a moment ago: they are not tried again at once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dial.h"

#define FAILURES_MAX 1024 /* the oldest is forgotten */

struct failure {
	enum dial_error error;
	char step[256];
};

struct failure_table;

struct failure_table *failure_table_new(void);
void failure_table_free(struct failure_table **t);
/* Until then; replaces the one of before. */
void failure_add(
    struct failure_table *t, struct str domain, const struct failure *f, uint64_t until_ms);
void failure_del(struct failure_table *t, struct str domain);
/* NULL: there is none, or it is over. Borrowed until the next change. */
const struct failure *failure_find(struct failure_table *t, struct str domain, uint64_t now_ms);
size_t failure_count(const struct failure_table *t);
