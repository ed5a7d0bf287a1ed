/* `authd --offline`: the operator's verbs while the suite is down, and `authd --make-keys`.
 *
 * jackdawctl starts `authd --dir D --offline` (this option last) with pipes on its standard input
 * and output (as root or the suite's owner; it becomes authd's user and enters authd's sandbox as
 * always, and holds authd's pid file, so it never runs beside the daemon). Both directions carry
 * frames, integers little-endian:
 *
 *     u32 length of what follows (type and body; at most BUS_FRAME_MAX)
 *     u16 type                    enum msg_type
 *     body                        bus_encode of the message's struct
 *
 * Requests: USER_ADD, USER_PASSWD, USER_DEL, USER_LIST, each with its `req`. The password stands in
 * the clear: the pipe is between these two processes alone. Each request gets one answer, in order,
 * with `re` = `req`: DONE, FAILED, or USERS. Anything else is a protocol error: a line on standard
 * error, exit with failure. End of input ends it with success.
 *
 * What sessiond has to hear of (a removal, a new password) is stored and told when the suite
 * runs. */
#pragma once

#include "authd.h"

/* Reads requests until the end of input. */
int offline_start(struct daemon *d, struct err *err);
/* Makes data/seal.key, data/authd.pub and credentials.db where they are missing, and ends. */
int make_keys_start(struct daemon *d, struct err *err);
void offline_stop(struct daemon *d);

/* Without pipes, for the above and for tests: eats whole frames of `in`, appends the answers to
 * `out`. False: a protocol error. */
bool offline_step(struct authd *a, struct buf *in, struct buf *out);
