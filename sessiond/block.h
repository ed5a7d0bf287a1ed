/* Whom a user has blocked: the one list under XEP-0191 (blocking.c) and XEP-0016 (privacy.c). Owned by its account, kept
 * as <blocklist/> of XEP-0191 in BLOB_BLOCK. */
#pragma once

#include "act.h"
#include "base/map.h"
#include "xml/tree.h"
#include "xml/writer.h"

#define BLOCK_ITEMS_MAX 1000
#define BLOCK_BYTES_MAX (128 * 1024) /* of addresses; escaped they still fit into a stored value */

struct blocked {
	struct str jid; /* prepared; behind the struct */
	UT_hash_handle hh;
};

struct block_list {
	struct blocked *items; /* uthash, in the order in which they came */
	size_t bytes;
};

struct account;

/* Is this very address in the list? */
bool block_has(const struct block_list *b, struct str jid);
/* False when there are too many. */
bool block_add(struct block_list *b, struct str jid);
void block_remove(struct block_list *b, struct str jid);
void block_clear(struct block_list *b);
/* Replaces it by what is stored; empty: nothing is. */
void block_load(struct block_list *b, struct str data);
/* <item/>s inside an open element. */
void block_write_items(struct xml_writer *w, const struct block_list *b);

/* Does an item cover an address: XEP-0191 §6. */
bool block_item_covers(struct str item, struct str jid);
/* May this address have nothing to do with the user? Never the user, nor the own domain itself. */
bool account_blocks(const struct account *a, struct str jid);
