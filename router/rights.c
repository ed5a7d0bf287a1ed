/* Who may send what to whom, by the table in messages.def (SECURITY.md §2.5). A message that any may send to any is for
 * pairs of roles that have something of their own to say to each other. */
#include "base/mem.h"
#include "hub.h"

static bool
has_message(enum role from, enum role to)
{
	unsigned count;
	bus_message_at(0, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct bus_message *m = bus_message_at(i, NULL);
		if (m->from == BUS_ANY && m->to == BUS_ANY)
			continue;
		if (m->level > 0 && (m->from & 1u << from) && (m->to & 1u << to))
			return true;
	}
	return false;
}

bool
rights_may_talk(enum role a, enum role b)
{
	static bool known, table[ROLE_COUNT][ROLE_COUNT];
	for (unsigned i = 0; i < ROLE_COUNT && !known; i++)
		for (unsigned j = 0; j < ROLE_COUNT; j++)
			table[i][j] = has_message((enum role)i, (enum role)j) ||
			    has_message((enum role)j, (enum role)i);
	known = true;
	return a < ROLE_COUNT && b < ROLE_COUNT && table[a][b];
}

const char *
rights_check(enum role role, uint16_t number, uint64_t inc, const struct frame *f)
{
	const char *wrong = frame_check(f);
	if (wrong)
		return wrong;
	const struct bus_message *m = bus_message(f->type);
	if (f->src != number)
		return "sent in the name of another endpoint";
	if (f->src_inc != inc)
		return "sent in the name of another incarnation";
	if (!(m->from & 1u << role) || !(m->to & 1u << frame_role(f->dst)))
		return "message not allowed";
	if (f->dst != frame_endpoint(ROLE_ROUTER, 0) && !rights_may_talk(role, frame_role(f->dst)))
		return "receiver not allowed";
	return NULL;
}
