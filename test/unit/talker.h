/* The far end of a connection of an edge: what a test plays, without a network. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;

struct talker {
	int fd;
	uint64_t number;  /* that the edge has given to its end */
	char text[65536]; /* heard and not yet taken */
	size_t n;
	bool ended;
};

/* A new socket pair, neither end of which blocks; returns the edge's end. */
int talker_open(struct talker *t);
void talker_close(struct talker *t);
/* Takes what has come. */
void talker_hear(struct talker *t);

/* The daemon's loop and bus, until nothing more happens by itself. */
void talker_wait(struct daemon *d);
