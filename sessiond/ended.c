/* See ended.h. The map keeps the order in which they came: its first is the oldest. */
#include "ended.h"

#include <stdlib.h>

#include "base/clock.h"
#include "sm.h"

struct ended {
	struct id128 token;
	uint32_t h;
	uint64_t at_ms;
	UT_hash_handle hh;
	char jid[]; /* bare: nobody else is told */
};

static void
forget(struct sessiond *sd, struct ended *e)
{
	HASH_DEL(sd->ended, e);
	free(e);
}

void
ended_remember(const struct session *s)
{
	struct sessiond *sd = s->sd;
	struct ended *e, *same;

	if (!s->out.is_acked || s->resume_seconds == 0)
		return;
	HASH_FIND(hh, sd->ended, &s->token, sizeof(s->token), same);
	if (same)
		forget(sd, same);
	else if (HASH_COUNT(sd->ended) >= ENDED_MAX)
		forget(sd, sd->ended);
	e = mem_new(sizeof(*e) + s->jid.bare.n + 1);
	e->token = s->token;
	e->h = sm_h(s);
	e->at_ms = clock_mono_ms();
	memcpy(e->jid, s->jid.bare.p, s->jid.bare.n);
	HASH_ADD(hh, sd->ended, token, sizeof(e->token), e);
}

bool
ended_find(const struct sessiond *sd, const struct id128 *token, struct str bare, uint32_t *h_r)
{
	struct ended *e;

	HASH_FIND(hh, sd->ended, token, sizeof(*token), e);
	if (!e || !str_is(bare, e->jid))
		return false;
	*h_r = e->h;
	return true;
}

void
ended_expire(struct sessiond *sd, uint64_t now_ms)
{
	while (sd->ended && now_ms >= sd->ended->at_ms + ENDED_MS)
		forget(sd, sd->ended);
}

void
ended_free(struct sessiond *sd)
{
	while (sd->ended)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): forget takes it out of the map */
		forget(sd, sd->ended);
}
