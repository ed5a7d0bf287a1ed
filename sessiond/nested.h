/* XEP-0355 §7.2: what those who answer for the server or for accounts say that they can do with a namespace. It stands in disco#info in the
 * place of what we could do with it ourselves. They are asked when they come, and what they said is kept. */
#pragma once

#include "act.h"
#include "base/arena.h"
#include "base/map.h"
#include "xml/tree.h"

#define NESTED_BYTES_MAX 4096 /* of one answer */
#define NESTED_ALL_BYTES_MAX \
	8192 /* of all about the server: they go into one string for the edges */

struct account;

enum nested_state {
	NESTED_UNASKED,
	NESTED_ASKED,
	NESTED_ANSWERED, /* perhaps by an error */
};

struct nested {
	struct list link; /* in sd->nested: everybody's; or alone: of a user's grant */
	enum nested_state state;
	bool is_bare;                /* of accounts, not of the server */
	char *ns, *manager, *domain; /* owned; domain: as whom we ask */
	char id[2 * ID_BYTES + 1];   /* ASKED: of our request */
	struct arena told;
	size_t told_bytes;
	const struct xml_node *query; /* in `told`; NULL: nothing */
	UT_hash_handle hh;            /* in sd->nested_asked while it is ASKED */
};

void nested_begin(
    struct nested *n, const char *ns, const char *manager, struct str domain, bool is_bare);
void nested_end(struct sessiond *sd, struct nested *n);
void nested_ask(struct sessiond *sd, struct nested *n);

/* As the settings have it now; who was not asked yet is asked at the next tick. */
void nested_refresh(struct sessiond *sd);
void nested_tick(struct sessiond *sd);
void nested_component_up(struct sessiond *sd, struct str component);
void nested_free(struct sessiond *sd);
/* An answer to the server: true if it was one of these. */
bool nested_answer(const struct act *act, const struct stanza *st);

/* For each child of this name in what was said of this account, or of the server (NULL). */
void nested_each(const struct sessiond *sd, const struct account *a, const char *name,
    void (*fn)(void *ctx, const struct xml_node *child), void *ctx);
/* Is this feature of ours one of a namespace for which somebody else answers? */
bool nested_replaces(const struct sessiond *sd, const struct account *a, struct str feature);
