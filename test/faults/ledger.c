/* Keeps a line for each message of one way, and says what breaks the rule. */
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"

#define SHOWN 20

static unsigned shown;

static void
show(const char *what, unsigned sender, size_t number)
{
	if (shown++ < SHOWN)
		fprintf(stderr, "swarm: %s: message %zu of u%06u\n", what, number, sender);
}

size_t
ledger_sent(struct ledger *l, uint64_t due_ns)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->entries = realloc(l->entries, l->cap * sizeof *l->entries);
		if (!l->entries)
			die("out of memory");
	}
	l->entries[l->n] = (struct entry){.due_ns = due_ns};
	return l->n++;
}

bool
ledger_got(struct ledger *l, uint64_t number, struct violations *v)
{
	if (number >= l->n)
		return false;
	struct entry *e = &l->entries[number];
	if (e->got < UINT8_MAX)
		e->got++;
	if (e->got > 1) {
		if (number >= l->repeatable || e->got > 2)
			v->repeated++;
	} else if (number < l->newest) {
		v->disordered++;
	}
	if (number >= l->newest)
		l->newest = number + 1;
	return true;
}

void
ledger_forget(struct ledger *l)
{
	for (size_t i = 0; i < l->newest; i++)
		if (l->entries[i].got > 1)
			l->entries[i].got = 1;
	l->repeatable = l->newest;
}

bool
ledger_filed(struct ledger *l, uint64_t number, struct violations *v)
{
	if (number >= l->n)
		return false;
	struct entry *e = &l->entries[number];
	if (e->filed < UINT8_MAX)
		e->filed++;
	if (e->filed > 1)
		v->refiled++;
	else if (number < l->newest_filed)
		v->misfiled++;
	if (number >= l->newest_filed)
		l->newest_filed = number + 1;
	return true;
}

uint64_t
ledger_oldest_ns(struct ledger *l)
{
	for (; l->open < l->n; l->open++) {
		const struct entry *e = &l->entries[l->open];
		if (e->got == 0 && !e->gone && !e->bounced)
			return e->due_ns;
	}
	return 0;
}

void
ledger_close(const struct ledger *l, unsigned sender, bool has_archive, struct violations *v)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct entry *e = &l->entries[i];
		if (!e->acked || e->bounced)
			continue;
		if (e->got == 0 && e->filed == 0) {
			v->lost++;
			show("acknowledged and lost", sender, i);
		} else if (e->got == 0 && !l->has_gap) {
			v->undelivered++;
			show("acknowledged, in the archive, and never delivered", sender, i);
		} else if (has_archive && e->filed == 0) {
			v->unfiled++;
			show("acknowledged and not in the archive", sender, i);
		}
	}
}

uint64_t
violations_total(const struct violations *v)
{
	return v->lost + v->repeated + v->disordered + v->unfiled + v->refiled + v->misfiled +
	    v->undelivered;
}
