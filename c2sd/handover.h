/* Servers that come to a listener for clients (M-07, edge/handover.h). */
#pragma once

#include "client.h"

/* The socket, if a listener has server_streams: before the sandbox. 0, or -1 with *err filled. */
int handover_open(struct c2sd *d, struct err *err);

/* Bytes of an UNKNOWN one, before they are read. False: they were too many for a header, and the stream is ended. */
bool handover_keep(struct client *c, struct str bytes);
/* Its header is there. True: it is SERVER, and nothing more is read. */
bool handover_is_server(struct client *c, const struct xml_element *root);
/* Reading has stopped: s2sd gets it, now or as soon as it can take it. */
void handover_begin(struct client *c);
/* Tries again for those who wait. */
void handover_tick(struct c2sd *d);
/* One has waited for too long: stream error. */
void handover_give_up(struct client *c);
