/* The ledger of one flow. Most flows never have a gap, so the bitmap exists only for those that do. */
#include "flow.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

static bool
take_missing(struct flow *f, uint64_t number)
{
	uint64_t word = number % FLOW_SPAN / 64, bit = 1ULL << (number % 64);

	if (!f->missing || f->next - number > FLOW_SPAN || !(f->missing[word] & bit))
		return false;
	f->missing[word] &= ~bit;
	return true;
}

static void
mark(struct flow *f, uint64_t number, bool missing)
{
	uint64_t word = number % FLOW_SPAN / 64, bit = 1ULL << (number % 64);

	f->missing[word] = missing ? f->missing[word] | bit : f->missing[word] & ~bit;
}

void
flow_received(struct flow *f, uint64_t number)
{
	if (number < f->next) {
		if (take_missing(f, number))
			f->gaps--, f->disordered++;
		else
			f->duplicates++;
		return;
	}
	if (number > f->next && !f->missing) {
		f->missing = calloc(FLOW_SPAN / 64, sizeof *f->missing);
		if (!f->missing)
			die("out of memory");
	}
	if (f->missing) {
		for (; f->next < number; f->next++, f->gaps++)
			mark(f, f->next, true);
		mark(f, number, false);
	}
	f->next = number + 1;
}

uint64_t
flow_lost(const struct flow *f)
{
	return f->gaps + (f->sent > f->next ? f->sent - f->next : 0);
}

void
flow_reset(struct flow *f)
{
	free(f->missing);
	*f = (struct flow){0};
}
