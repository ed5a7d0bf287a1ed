/* Who may have nothing to do with a user: the one decision under XEP-0191 (blocking.c) and XEP-0016 (privacy.c). A session's
 * active list decides for it, else the account's default list, whose JIDs that are denied everything are the block list. */
#pragma once

#include "act.h"
#include "privacy_list.h"

struct account;
struct session;

#define BLOCK_ITEMS_MAX PRIVACY_ITEMS_MAX

/* Of a session: which list is active, in its flags; 0: the default one. Ids that are in use are not given to others. */
#define SESSION_LIST_SHIFT 24

unsigned session_active_list(const struct session *s);
void session_set_active_list(struct session *s, unsigned id);
/* The list that applies to a session, or to the account as a whole (NULL). NULL: everything is allowed. */
const struct privacy_list *list_for(const struct account *a, const struct session *s);

/* May this address not say this to the session, or hear it from it? Never about the user, nor the own domain itself. */
bool session_denies(const struct session *s, struct str jid, enum privacy_kind kind);
/* May it not have this stanza, which is for it? */
bool session_denies_stanza(const struct session *s, const struct stanza *st);
/* The same for what the server does for the account as a whole. */
bool account_denies(const struct account *a, struct str jid, enum privacy_kind kind);
/* What is for no session in particular: as long as one of the available ones lets it pass, that one may have it. */
bool account_refuses(const struct account *a, struct str jid, enum privacy_kind kind);
/* May the session that an act comes from, or came from, not send this to this address? */
bool act_denies(
    const struct account *a, const struct act *act, struct str jid, enum privacy_kind kind);

/* ---- the block list, as a part of a list (NULL: none) ---- */

bool block_is(const struct privacy_item *i);
/* Is this very address in it? */
bool block_has(const struct privacy_list *l, struct str jid);
/* Is this address covered by it? */
bool block_covers(const struct privacy_list *l, struct str jid);
/* Its addresses, borrowed from the list, in the arena. */
struct str *block_jids(struct arena *a, const struct privacy_list *l, unsigned *n_r);
/* <item/>s inside an open element. */
void block_write_items(struct xml_writer *w, const struct privacy_list *l);
