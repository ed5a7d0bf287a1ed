/* Where passwords come from: a prompt without echo on a terminal, else the first line of standard input; never argv. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define PASSWORD_MAX 1023 /* what a client could log in with after preparation */

/* Appends the password to an empty buffer, which the caller wipes (buf_deinit_secret). -1 with *err filled: none came, the two
 * typed ones differ, or it can be nobody's password. */
int password_read(struct buf *out, struct err *err);

/* Checks what was typed or read: any text that is not empty is taken (RFC 8265 OpaqueString). */
int password_check(struct str password, struct err *err);

/* A line of `user import`: `JID password`; the password may hold blanks. False: neither that nor empty nor a comment;
 * both empty: nothing to do. */
bool password_split_line(struct str line, struct str *jid_r, struct str *password_r);
