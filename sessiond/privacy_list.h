/* Privacy lists (XEP-0016) as an account has them: their data, and what one list says of a stanza. Who applies which list is
 * block.h's. The block list of XEP-0191 is a part of the default list: its items that deny everything to a JID.
 * Kept as one value in BLOB_BLOCK: <query xmlns='jabber:iq:privacy'/> with the default and all lists, their ids in `id`;
 * or, as long as there was nothing else, <blocklist/> of XEP-0191 (older versions of this daemon knew no more). */
#pragma once

#include "base/map.h"
#include "base/stanza.h"
#include "contact.h"
#include "xml/tree.h"
#include "xml/writer.h"

#define PRIVACY_LISTS_MAX 20
#define PRIVACY_ITEMS_MAX 1000 /* of a list */
#define PRIVACY_NAME_MAX 255
#define PRIVACY_BYTES_MAX 262144  /* all lists together as they are stored: one value */
#define PRIVACY_BLOCKED "blocked" /* what the first block of XEP-0191 calls its list */

/* What a stanza is to a list (XEP-0016 §2.1). */
enum privacy_kind {
	PRIVACY_MESSAGE = 1 << 0, /* to the user */
	PRIVACY_IQ = 1 << 1,      /* to the user */
	PRIVACY_PRESENCE_IN = 1 << 2,
	PRIVACY_PRESENCE_OUT = 1 << 3,
	PRIVACY_REST =
	    1 << 4, /* subscriptions, and what else the user sends: only items for all stanzas are about it */
	PRIVACY_ALL = (1 << 5) - 1,
};

enum privacy_type {
	PRIVACY_ANYBODY,
	PRIVACY_JID,
	PRIVACY_GROUP,
	PRIVACY_SUBSCRIPTION,
};

struct privacy_item {
	uint32_t order;
	bool denies;
	uint8_t kinds;             /* enum privacy_kind, ored */
	uint8_t type;              /* enum privacy_type */
	struct str value;          /* the prepared JID, the group, the subscription's name */
	struct privacy_item *same; /* the next one with this JID */
	UT_hash_handle hh;         /* the first one with it */
};

/* Immutable once made: an edit is another one. */
struct privacy_list {
	struct privacy_list *next;
	uint8_t id; /* what sessions and the default name it by; never 0 */
	struct str name;
	unsigned n_items;
	struct privacy_item *items; /* in their order */
	struct privacy_item *jids;  /* uthash */
	char *text;                 /* owned: what the names and values lie in */
};

/* Owned by its account. */
struct privacy {
	struct privacy_list *lists; /* in the order in which they came */
	uint8_t default_id;         /* 0: none */
};

/* By `order`. */
void privacy_sort(struct privacy_item *items, unsigned n);
/* Copies everything; items may come in any order, but no order twice. */
struct privacy_list *privacy_list_new(
    struct str name, const struct privacy_item *items, unsigned n_items);
void privacy_list_free(struct privacy_list **l);
/* <list/> inside an open element; with_id: as it is stored. */
void privacy_list_write(struct xml_writer *w, const struct privacy_list *l, bool with_id);
/* The first item that is about this JID and kind decides; without one, or without a list, it is allowed. */
bool privacy_list_denies(
    const struct privacy_list *l, const struct roster *r, struct str jid, enum privacy_kind kind);

struct privacy_list *privacy_named(const struct privacy *p, struct str name);
/* NULL for an id that no list has. */
struct privacy_list *privacy_by_id(const struct privacy *p, unsigned id);
struct privacy_list *privacy_default(const struct privacy *p);
unsigned privacy_count(const struct privacy *p);
/* Puts l, from now on the account's, in the place of the one with its name, or behind the others with that id. */
void privacy_put(struct privacy *p, struct privacy_list *l, uint8_t new_id);
void privacy_remove(struct privacy *p, struct privacy_list *l);
void privacy_clear(struct privacy *p);

/* Replaces all by what is stored; empty: nothing is. */
void privacy_load(struct privacy *p, struct str data);
/* As it is stored; nothing where there is no list. fresh (may be NULL) is written in the place of the one with its name. */
void privacy_store(const struct privacy *p, const struct privacy_list *fresh, struct buf *out);

/* What an <item/> says, its value borrowed from the node or, prepared, in the arena. SE_NONE, or what is wrong with it. */
enum stanza_error privacy_read_item(
    struct arena *a, const struct xml_node *n, struct privacy_item *item_r);
