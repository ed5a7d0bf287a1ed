/* See ending.h.
 *
 *   OPEN ──stream_finish──▶ FINISHING ──all that came is in custody──▶ HALF_CLOSED ──their </stream:stream>──▶ CLOSING
 *                                              either ──linger_seconds, the connection ends──▶ CLOSING
 *
 * From FINISHING on nothing is taken from a peer that counts its stanzas: our last <a/> does not have it, so it comes again on another
 * stream. Who does not count them believes that we have what it has sent, so that is taken up to its end. Ours are written until our
 * end is said (what they have sent may have to be answered before it is in custody); those that are not acknowledged then stay with
 * the stream, and where there are none the pair is free for another one. */
#include "ending.h"

#include "names.h"
#include "pair.h"
#include "proof.h"
#include "negotiate.h"

#define DRAIN_MS 2000 /* at most, at the end of the process: others wait for the next one */

bool
stream_is_ending(const struct stream *s)
{
	return s->state == S2S_FINISHING || s->state == S2S_HALF_CLOSED || s->state == S2S_CLOSING;
}

static void
forget_questions(struct stream *s)
{
	LIST_FOREACH_SAFE(&s->proofs, it, nx) {
		struct proof *p = CONTAINER_OF(it, struct proof, link);

		if (p->state == PROOF_ASKED)
			proof_free(p);
	}
}

static uint64_t
deadline_of(const struct s2sd *d)
{
	uint64_t ms = (uint64_t)s2sd_settings(d)->linger_seconds * 1000;

	return s2sd_now_ms(d) + (d->run == S2SD_RUNNING || ms < DRAIN_MS ? ms : DRAIN_MS);
}

void
stream_finish(struct stream *s, enum stream_error error)
{
	if (stream_is_ending(s))
		return;
	if (s->state != S2S_OPEN || !s->is_known || s->verification) {
		stream_end(s, error, NULL);
		return;
	}
	stream_log(s, LOG_DEBUG, "the stream is being closed");
	s->ended_as = error;
	s->deadline_ms = deadline_of(s->s2sd);
	stream_set_state(s, S2S_FINISHING);
	forget_questions(s);
	stream_end_step(s);
}

static void
close_ours(struct stream *s)
{
	sm_last_words(s);
	stream_send_end(s, s->ended_as, NULL);
	if (s->state != S2S_FINISHING)
		return;
	stream_set_state(s, S2S_HALF_CLOSED);
	pair_let_go(s);
}

void
stream_end_step(struct stream *s)
{
	if (s->state == S2S_FINISHING && list_empty(&s->sm.arrivals))
		close_ours(s);
	if (s->state == S2S_HALF_CLOSED && s->is_over_there)
		stream_end(s, STREAM_OK, NULL);
}

void
stream_over_there(struct stream *s)
{
	s->is_over_there = true;
	pair_unlink(s, "the stream was closed"); /* no <a/> comes any more */
	stream_finish(s, STREAM_OK);
	stream_end_step(s);
}

unsigned
stream_finish_all(struct list *streams, enum stream_error error,
    bool (*is_meant)(const struct stream *s, const void *ctx), const void *ctx)
{
	struct list *it = streams->next;
	unsigned n = 0;

	/* The end of one may be that of others: from the beginning after each. */
	while (it != streams) {
		struct stream *s = CONTAINER_OF(it, struct stream, link);

		it = it->next;
		if (stream_is_ending(s) || (is_meant && !is_meant(s, ctx)))
			continue;
		stream_finish(s, error);
		n++;
		it = streams->next;
	}
	return n;
}
