/* XEP-0198 §5, BUS.md §8: a connection takes over a session that is away, or attached elsewhere. */
#pragma once

#include "session.h"

void handle_resume(struct sessiond *sd, const struct bus_in *in, const void *msg);
/* The session ends: whoever waits for it is told that there is none. */
void resume_refuse_all(struct session *s);
/* At the end of the process, when the bus is gone. */
void resume_free(struct sessiond *sd);
