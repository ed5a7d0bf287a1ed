/* Addresses on the command line: prepared here, once; daemons take no others. */
#pragma once

#include "base/err.h"
#include "base/jid.h"
#include "ctl.h"

/* name@domain. -1 with *err filled. */
int address_account(struct str text, struct jid *jid_r, struct jid_buf *buf, struct err *err);
/* Is it a domain of this suite? */
int address_check_domain(const struct ctl *c, struct str domain, struct err *err);
