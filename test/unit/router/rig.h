/* For the tests of the router: a real router and endpoints as processes of their own, on sockets in a temporary
 * folder, to be killed. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "bus/bus.h"
#include "hub.h"

/* Makes the folder and goes there; D/<role>.sock are the doors. */
void rig_enter(void);
void rig_leave(void);
const char *rig_socket(enum role role);

/* A listening socket for this role. */
int rig_listen(enum role role);
/* A hub with doors for c2sd, sessiond, storaged, authd and ctl, for our own uid, and the routes of one domain. */
struct hub *rig_hub(struct loop *loop);

/* Forks: the child runs fn and never returns. */
pid_t rig_spawn(void (*fn)(void *arg), void *arg);
void rig_kill(pid_t *pid);
/* A router process. */
pid_t rig_router(void);
