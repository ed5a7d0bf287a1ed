/* jackdaw.conf: what all daemons need to know. */
#pragma once

#include "service/service.h"

/* Owns the strings of a struct suite. */
struct suite_file;

struct suite_file *suite_parse(
    const char *file_name, const char *text, struct suite *suite_r, struct err *err);
void suite_free(struct suite_file **f);
/* First numeric uid of a suite that was started by root with --dir: role r runs as uid_base + r. */
int64_t suite_uid_base(const struct suite_file *f);
/* For -nn and the sample. */
/* As settings_pending. */
void suite_pending(const struct suite_file *old, const struct suite_file *fresh, struct buf *names);
void suite_print(const struct suite_file *f, struct buf *out);
void suite_sample(struct buf *out);
void suite_man(struct buf *out);
