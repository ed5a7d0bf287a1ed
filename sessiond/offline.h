/* Offline messages: given to the first session that takes messages, removed when they have been written to it. */
#pragma once

#include "account.h"

/* Gives them to this session; nothing when that is under way. */
void offline_flush(struct account *a, const struct act *act, struct session *s);
/* The queue of a session is empty, or a session has gone: the next page may come. */
void offline_go_on(struct account *a);
/* Is the next page held back by what a session has not taken yet? */
bool offline_waits_for_room(const struct account *a);
/* Once a second: storaged may answer again. */
void offline_retry(struct sessiond *sd);
/* At the end of the process. */
void offline_forget(struct account *a);
/* This session has just left the account: what was not written to it goes to another one, or waits. */
void offline_session_ended(struct account *a, const struct act *act, const struct session *s);
/* What was on its way to this session goes to another one, or waits. */
void offline_again(struct account *a, const struct act *act, const struct id128 *sid);
/* Lists or blocks have changed: what was withheld may be given. */
void offline_lists_changed(struct account *a, const struct act *act);
void offline_drop(struct account *a, const struct act *act, const struct rec_row *rows, uint32_t n);
