/* At most one entry for each instance of c2sd and ctl. */
#include "seals.h"

#include <stdlib.h>

#include "base/id.h"
#include "base/mem.h"

#define INSTANCES 256

struct seal_of {
	uint64_t incarnation; /* 0: none */
	struct seal seal;
};

struct seals {
	const struct keys *keys;
	struct seal_of c2sd[INSTANCES], ctl[INSTANCES];
};

struct seals *
seals_new(const struct keys *keys)
{
	struct seals *s = NEW(struct seals);

	s->keys = keys;
	return s;
}

void
seals_free(struct seals **s)
{
	if (*s)
		secret_wipe(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

static struct seal_of *
seals_slot(const struct seals *s, const struct endpoint *peer)
{
	struct seals *own = (struct seals *)(uintptr_t)s;

	return peer->role == ROLE_C2SD ? &own->c2sd[peer->instance] : &own->ctl[peer->instance];
}

bool
seals_set(struct seals *s, const struct endpoint *peer, struct str public_key)
{
	struct seal_of *one = seals_slot(s, peer);

	seal_deinit(&one->seal);
	one->incarnation = 0;
	if (public_key.n != SEAL_KEY_BYTES ||
	    !seal_start_server(&one->seal, s->keys->seal_public, s->keys->seal_secret,
		(const uint8_t *)public_key.p))
		return false;
	one->incarnation = peer->incarnation;
	return true;
}

struct seal *
seals_find(const struct seals *s, const struct endpoint *peer)
{
	struct seal_of *one = seals_slot(s, peer);

	return one->incarnation && one->incarnation == peer->incarnation ? &one->seal : NULL;
}

struct seal *
seals_find_edge(const struct seals *s, uint64_t incarnation)
{
	for (unsigned i = 0; incarnation && i < INSTANCES; i++)
		if (s->c2sd[i].incarnation == incarnation)
			return (struct seal *)(uintptr_t)&s->c2sd[i].seal;
	return NULL;
}

void
seals_peer_new(struct seals *s, const struct endpoint *peer)
{
	struct seal_of *one = seals_slot(s, peer);

	if (one->incarnation == peer->incarnation)
		return;
	seal_deinit(&one->seal);
	one->incarnation = 0;
}
