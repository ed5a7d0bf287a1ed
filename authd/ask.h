/* A request of another daemon that is answered later: who asked, and the custody that holds back
 * its acknowledgement until the answer is acknowledged itself. Answered or dropped exactly once. */
#pragma once

#include <stdbool.h>

#include "authd.h"

struct ask {
	struct authd *authd;
	struct endpoint from;
	struct opid op;
	uint64_t request;
	struct custody *custody;
	bool open;
};

void ask_hold(struct ask *ask, struct authd *a, const struct bus_in *in, uint64_t request);
/* msg: struct msg_TYPE; its `re` is filled in. */
void ask_answer(struct ask *ask, enum msg_type type, void *msg);
void ask_done(struct ask *ask);
void ask_failed(struct ask *ask, enum bus_error error, const char *text);
/* Refuses with what became of a store request; not for STORE_OK. */
void ask_refused(struct ask *ask, enum store_result result);
/* Nobody waits for the answer any more. */
void ask_drop(struct ask *ask);
