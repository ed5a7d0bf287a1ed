/* The scene's authd and storaged. */
#pragma once

#include "fake_bus.h"

#define USERS_MAX 64
#define ROWS_MAX 2000

struct scene;

struct row {
	uint64_t row;
	char *owner;
	struct opid op;
	int64_t stamp_us;
	struct stanza *st;
	bool is_not_owed, for_from, for_to;
};

struct item {
	char *owner;
	struct buf body; /* ROSTER_PUT as it came */
};

struct value {
	char *owner, *key, *data;
	unsigned space;
};

/* A detached session. */
struct session_row {
	struct id128 sid;
	uint64_t epoch;
	uint64_t claim_edge, claim_conn; /* 0: nobody has it */
	struct buf body;                 /* DETACH as it came */
};

/* Answers or acknowledges a frame to them: true when it was theirs. */
bool scene_store_answers(struct scene *s, struct sent *f);
/* Those that were left open while they were down. */
void scene_store_retry(struct scene *s);
/* The next ticket is this user's. */
void scene_store_ticket(struct scene *s, struct str bare);
void scene_store_free(struct scene *s);
/* A new scene where all is archived. */
struct scene *scene_with_archives(void);
/* Answers of its archives. */
void scene_archive_page(struct scene *s, struct sent *f);
void scene_archive_metadata(struct scene *s, struct sent *f);

/* Puts an item into storaged's roster: subscription none, to, from, both; flags: 'a' ask, 'p' pending in, 'u' no item. */
void has_contact(struct scene *s, const char *owner, const char *contact, const char *subscription,
    const char *flags);
/* Both directions. */
void are_friends(struct scene *s, const char *a, const char *b);
/* Item of storaged: "subscription ask approved pending_in", or "" when there is none. Static. */
const char *stored_item(struct scene *s, const char *owner, const char *contact);
