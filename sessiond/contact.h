/* A roster in memory: items by bare JID, each with its state of RFC 6121 appendix A. Owned by its account. */
#pragma once

#include "base/jid.h"
#include "base/map.h"
#include "bus/messages.h"
#include "xml/writer.h"

/* What fits into one frame and one stanza with certainty (DESIGN.md §3: refused when it is written). */
#define ROSTER_BYTES_MAX (640 * 1024)
#define ROSTER_ITEMS_MAX 5000 /* requests included */
#define ROSTER_GROUPS_MAX 100
#define ROSTER_TEXT_MAX 1023 /* of a name, of a group */
/* Payload of a subscription request that is kept for later; a longer one is kept without it. */
#define REQUEST_PAYLOAD_MAX 4096

enum subscription {
	SUBSCRIPTION_NONE,
	SUBSCRIPTION_TO,
	SUBSCRIPTION_FROM,
	SUBSCRIPTION_BOTH,
	SUBSCRIPTION_UNLISTED, /* on the bus only: there is a request, but no item */
};

/* The nine states of RFC 6121 appendix A.1. */
enum sub_state {
	SUB_NONE,
	SUB_NONE_OUT,
	SUB_NONE_IN,
	SUB_NONE_OUT_IN,
	SUB_TO,
	SUB_TO_IN,
	SUB_FROM,
	SUB_FROM_OUT,
	SUB_BOTH,
	SUB_STATE_COUNT,
};

struct contact {
	struct str jid; /* bare; behind the struct */
	bool is_listed; /* is an item of the roster; otherwise just a request that waits for an answer */
	bool approved;
	enum sub_state state;
	struct str name;    /* in `text` */
	struct str *groups; /* in `text` */
	unsigned n_groups;
	char *text;         /* owned */
	struct str pending; /* owned: payload of the subscribe that waits for an answer */
	size_t bytes;       /* what it counts in the roster */
	UT_hash_handle hh;
};

struct roster {
	struct contact *contacts;
	uint64_t version;
	size_t bytes;
	unsigned n_listed, n_requests; /* requests without an item */
};

struct contact *roster_find(const struct roster *r, struct str bare);
/* Finds it or adds an unlisted one in state None. */
struct contact *roster_touch(struct roster *r, struct str bare);
void roster_remove(struct roster *r, struct contact *c);
void roster_clear(struct roster *r);
/* Fills an empty roster from storaged's answer. */
void roster_load(struct roster *r, const struct msg_ROSTER *m);

/* Changes; each keeps the roster's counts right. */
void contact_set_listed(struct roster *r, struct contact *c);
void contact_set_unlisted(struct roster *r, struct contact *c);
void contact_set_details(struct roster *r, struct contact *c, struct str name,
    const struct str *groups, unsigned n_groups);
void contact_set_pending(struct roster *r, struct contact *c, struct str payload);

/* May the user see its presence; may it see the user's? */
bool contact_has_to(const struct contact *c);
bool contact_has_from(const struct contact *c);
bool contact_is_asked(const struct contact *c);
bool contact_is_request(const struct contact *c);
/* Its JID in a buffer that outlives it. */
struct str contact_jid(const struct contact *c, struct jid_buf *buf);
/* Nothing is worth keeping: no item, no request. */
bool contact_is_empty(const struct contact *c);

/* As storaged keeps it; groups_r has room for ROSTER_GROUPS_MAX. All borrowed from c. */
struct rec_roster_item contact_record(const struct contact *c, struct rec_group *groups_r);
/* <item/> of jabber:iq:roster inside an open <query/>. */
void contact_write(struct xml_writer *w, const struct contact *c);
