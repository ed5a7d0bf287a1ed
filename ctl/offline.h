/* `authd --offline` as a child with pipes: the accounts while the suite is down (authd/offline.h describes the frames). */
#pragma once

#include "base/err.h"
#include "bus/messages.h"
#include "ctl.h"

struct offline;

struct offline *offline_open(struct ctl *c, struct err *err);
/* -1 with *err filled when the child did not end well. */
int offline_close(struct offline **o, struct err *err);

/* One request and its answer, DONE, FAILED or what is asked for; strings in *msg_r are borrowed until the next call. NULL with
 * *err filled: there is no answer. */
const struct bus_message *offline_ask(
    struct offline *o, enum msg_type type, void *msg, union bus_any *msg_r, struct err *err);
