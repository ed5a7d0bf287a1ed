/* See fate.h. */
#include "fate.h"

#include "base/jid.h"
#include "base/mem.h"

/* RFC 6121 §8.5.4, one choice for each cell. Where it lets us be silent or answer, an answer that says whether an account
 * or a resource exists goes to those only who may know (INV-32); rooms (groupchat) need it to notice who has gone. */
static const enum message_action actions[MESSAGE_CONDITIONS][MESSAGE_ADDRESSES][TYPE_ERROR + 1] = {
#define N MESSAGE_IGNORE
#define E MESSAGE_BOUNCE
#define T MESSAGE_TELL
#define O MESSAGE_STORE
#define D MESSAGE_DELIVER
#define M MESSAGE_MOST
#define A MESSAGE_ALL
    /*              normal chat groupchat headline error */
    [NO_ACCOUNT][TO_BARE] = {E, E, E, N, N},
    [NO_ACCOUNT][TO_MATCH] = {N, E, E, N, N},
    [NO_ACCOUNT][TO_NO_MATCH] = {N, E, E, N, N},
    [NO_RESOURCES][TO_BARE] = {O, O, E, N, N},
    [NO_RESOURCES][TO_MATCH] = {D, D, D, D, D},
    [NO_RESOURCES][TO_NO_MATCH] = {T, O, E, N, N},
    [NEGATIVE_ONLY][TO_BARE] = {O, O, E, N, N},
    [NEGATIVE_ONLY][TO_MATCH] = {D, D, D, D, D},
    [NEGATIVE_ONLY][TO_NO_MATCH] = {T, O, E, N, N},
    [SOME_TAKERS][TO_BARE] = {M, M, E, A, N},
    [SOME_TAKERS][TO_MATCH] = {D, D, D, D, D},
    [SOME_TAKERS][TO_NO_MATCH] = {T, M, E, N, N},
#undef N
#undef E
#undef T
#undef O
#undef D
#undef M
#undef A
};

/* XEP-0280 §6.1 (copy), XEP-0313 §5.1.2 (archive), XEP-0160 §3 (keep), XEP-0352 §3 (hold). Rooms have their own archives,
 * a headline is of the moment, an error for one session (but see message_copies_error). */
static const unsigned traits[MESSAGE_CONTENTS][TYPE_ERROR + 1] = {
#define C TRAIT_COPY
#define A TRAIT_ARCHIVE
#define K TRAIT_KEEP
#define H TRAIT_HOLD
    /*                    normal     chat       groupchat headline error */
    [CONTENT_TEXT] = {C | A | K, C | A | K, 0, 0, 0},
    [CONTENT_SIGN] = {C | A | K, C | A | K, 0, C, 0},
    [CONTENT_STATE] = {C | H, C | H, H, C | H, 0},
    [CONTENT_INVITE] = {C | K, C | K, 0, 0, 0},
    [CONTENT_OTHER] = {K, C | K, 0, 0, 0},
    [CONTENT_NOTHING] = {0, C, 0, 0, 0},
#undef C
#undef A
#undef K
#undef H
};

enum message_action
message_action(enum message_condition c, enum message_address a, enum stanza_type type)
{
	return type <= TYPE_ERROR ? actions[c][a][type] : MESSAGE_IGNORE;
}

enum message_content
message_content(const struct stanza *st)
{
	static const struct {
		uint32_t facts;
		enum message_content content;
	} signs[] = {
	    {FACT_BODY | FACT_SUBJECT | FACT_ENCRYPTED, CONTENT_TEXT},
	    {FACT_RECEIPT | FACT_MARKER, CONTENT_SIGN},
	    {FACT_MUC_USER | FACT_INVITE, CONTENT_INVITE},
	    {FACT_CHAT_STATE, CONTENT_STATE},
	};

	for (unsigned i = 0; i < COUNT(signs); i++)
		if (st->facts & signs[i].facts)
			return signs[i].content;
	return str_empty(st->payload) ? CONTENT_NOTHING : CONTENT_OTHER;
}

/* XEP-0334 §4 */
static unsigned
heed_hints(const struct stanza *st, unsigned t)
{
	bool is_kind = st->type == TYPE_NORMAL || st->type == TYPE_CHAT;

	if (is_kind && (st->facts & FACT_STORE))
		t = (t & ~(unsigned)TRAIT_HOLD) | TRAIT_ARCHIVE | TRAIT_KEEP;
	if (st->facts & FACT_NO_PERMANENT_STORE)
		t &= ~(unsigned)TRAIT_ARCHIVE;
	if (st->facts & FACT_NO_STORE)
		t &= ~(unsigned)(TRAIT_ARCHIVE | TRAIT_KEEP);
	if (st->facts & (FACT_NO_COPY | FACT_PRIVATE))
		t &= ~(unsigned)TRAIT_COPY;
	return t;
}

unsigned
message_traits(const struct stanza *st)
{
	if (st->kind != STANZA_MESSAGE || st->type > TYPE_ERROR)
		return 0;
	return heed_hints(st, traits[message_content(st)][st->type]);
}

bool
message_is_kept(const struct stanza *st)
{
	return message_traits(st) & TRAIT_KEEP;
}

bool
message_copies_to_recipient(const struct stanza *st)
{
	bool is_of_room = (st->facts & FACT_MUC_USER) && !str_empty(jid_split(st->from).resource);

	return (message_traits(st) & TRAIT_COPY) && !is_of_room;
}

bool
message_copies_error(const struct stanza *st, bool is_answer)
{
	/* XEP-0334 §5: hints in an error are those of what it is about. */
	return is_answer && st->type == TYPE_ERROR && !(st->facts & FACT_PRIVATE);
}

/* REQUIREMENTS B-30. Who asks for no copies means this session. */
static bool
goes_to_all(enum message_action action, const struct stanza *st)
{
	return (action == MESSAGE_DELIVER || action == MESSAGE_MOST) &&
	    message_copies_to_recipient(st);
}

/* Has what the sessions that it does not go to shall see: a copy of the message, or of what came of one. */
static bool
is_copied(const struct stanza *st, unsigned cases)
{
	return message_copies_to_recipient(st) ||
	    message_copies_error(st, (cases & FATE_ANSWERS_COPIED) != 0);
}

struct message_fate
message_fate(
    enum message_condition c, enum message_address a, const struct stanza *st, unsigned cases)
{
	struct message_fate fate = {.action = message_action(c, a, (enum stanza_type)st->type),
	    .traits = message_traits(st)};

	if (fate.action == MESSAGE_STORE && !(fate.traits & TRAIT_KEEP))
		fate.action = MESSAGE_IGNORE;
	if ((cases & FATE_TO_ALL) && goes_to_all(fate.action, st))
		fate.action = MESSAGE_ALL;
	if (fate.action < MESSAGE_STORE)
		fate.traits = 0;
	else if (is_copied(st, cases))
		fate.traits |= TRAIT_COPY;
	else
		fate.traits &= ~(unsigned)TRAIT_COPY;
	return fate;
}
