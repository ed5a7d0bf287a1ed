/* The detached sessions of the shard, read from storaged at the start (BUS.md §9.1); nothing is handled before that. */
#pragma once

#include "sessiond.h"

enum load_state {
	LOAD_NEEDED,
	LOAD_ASKED, /* storaged is */
	LOAD_DONE,  /* all rows of the shard are here */
};

/* Asks, unless that is done or under way. */
void load_ask(struct sessiond *sd);
