/* Faults that only the programs in test/faulty/ have (-DJACKDAW_FAULTS, see the Makefile). */
#pragma once

#include "base/str.h"

#ifdef JACKDAW_FAULTS
#include <stdlib.h>

/* The daemon dies of a payload with its name behind "poison-": SECURITY.md §4.1, F25. */
static inline void
fault_poison(struct str payload, const char *name)
{
	char marker[64] = "poison-";

	strncat(marker, name, sizeof(marker) - sizeof("poison-"));
	if (payload.n && memmem(payload.p, payload.n, marker, strlen(marker)))
		abort();
}
#else
static inline void
fault_poison(struct str payload, const char *name)
{
	(void)payload;
	(void)name;
}
#endif
