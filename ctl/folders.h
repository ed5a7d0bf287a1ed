/* The folders of a suite, with the owners and modes that its isolation rests on. */
#pragma once

#include "ctl.h"

/* Makes what is missing and sets owners right; also at every start, since /run is empty after a boot. Users are those of
 * jackdaw.conf where it has been read, else the default ones. -1 with *err filled. */
int folders_make(const struct ctl *c, struct err *err);
/* authd's public key to those who seal for it; the first time authd makes it. */
int folders_share_key(const struct ctl *c, struct err *err);
/* Where a daemon's settings file holds secrets: for nobody but the suite's owner, and installed for the daemon's group. */
int folders_hide_settings(const struct ctl *c, const struct program *p, struct err *err);
