/* Copies of the files while they are in use. */
#pragma once

#include "storaged.h"

/* Lines on the control socket: see backup.c. */
bool storaged_control(
    struct daemon *d, struct str line, const int *fds, unsigned n_fds, struct buf *out);
