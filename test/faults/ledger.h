/* The books of one way, from a client to its peer: what became of each numbered message. The rule (RFC 6120 and XEP-0198 as
 * we promise them): acknowledged, it is there exactly once; not acknowledged, once or not at all; in order either way. */
#ifndef FAULTS_LEDGER_H
#define FAULTS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry {
	uint64_t due_ns;
	uint8_t got, filed; /* how often it came, how often it is in the archive of its receiver */
	bool acked;
	bool gone;    /* its sender's session ended before it was acknowledged */
	bool bounced; /* its sender was told that it did not arrive */
};

struct ledger {
	struct entry *entries; /* by number */
	size_t n, cap;
	size_t open;   /* all before have come or need not come */
	size_t newest; /* one above the highest that came */
	size_t newest_filed;
	size_t repeatable; /* all before that came may come once more: ledger_forget() */
	bool has_gap; /* its receiver's session was lost: what is in the archive need not have come */
};

/* What is wrong, by kind. */
struct violations {
	uint64_t lost, repeated, disordered, unfiled, refiled, misfiled, undelivered;
};

/* Its number */
size_t ledger_sent(struct ledger *l, uint64_t due_ns);
/* False: there is no such number. */
bool ledger_got(struct ledger *l, uint64_t number, struct violations *v);
bool ledger_filed(struct ledger *l, uint64_t number, struct violations *v);
/* The server may not know what the receiver has: what has come by now may come once more. What comes later may not. */
void ledger_forget(struct ledger *l);
/* When the oldest that may still come was due; 0: none may. */
uint64_t ledger_oldest_ns(struct ledger *l);
/* At the end: those that are acknowledged and nowhere. Says of the first of them which. */
void ledger_close(const struct ledger *l, unsigned sender, bool has_archive, struct violations *v);
uint64_t violations_total(const struct violations *v);

#endif
