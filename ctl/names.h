/* The lists of names in jackdaw.conf, domains and components: changed in place, then told to the daemons that run. */
#pragma once

#include "base/jid.h"
#include "ctl.h"

/* For edit.h: whether a value is this (prepared) name. */
bool names_same(struct str value, struct str wanted);
bool names_have(const char *const *names, size_t n, struct str name);
/* Prepares the name, opens the suite's folders, locks its settings until the end of the program, and reads them. -1 with *err
 * filled. */
int names_begin(
    struct ctl *c, const char *text, struct str *name_r, struct jid_buf *buf, struct err *err);
/* Adds a name to the list `key` ("domains", "components"), or takes it out; whether it is there is the caller's question. */
int names_change(struct ctl *c, const char *key, struct str name, bool add, struct err *err);
/* Has all daemons that run and want to know read the lists anew; the exit status. */
int names_tell(struct ctl *c);
