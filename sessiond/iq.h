/* IQ stanzas: which are answered here and by whom (one table, iq_table.c), which go to a session. */
#pragma once

#include "account.h"
#include "base/arena.h"
#include "xml/tree.h"
#include "xml/writer.h"

/* A request for the server or an account, while its handler runs. */
struct iq {
	const struct act *act;
	const struct stanza *st;
	struct account *account;     /* whose; NULL: the server's own */
	const struct xml_node *node; /* the one child */
	struct arena *arena;         /* gone when the handler returns */
	bool is_owner;               /* it is the account's own user who asks */
};

typedef void iq_fn(const struct iq *iq);

enum iq_place {
	IQ_SERVER,  /* to the domain */
	IQ_ACCOUNT, /* to a bare JID, or without `to` */
	IQ_NOBODY, /* to one that does not exist, or of which the asker may not know that: the same (INV-32) */
};

/* Who may ask; the dispatcher sees to it (INV-13). Everyone else gets what they would get if the account did not exist. */
enum iq_rule {
	IQ_OWNER,
	IQ_SUBSCRIBER, /* or whoever may see the user's presence */
	IQ_ANYBODY,
};

struct iq_entry {
	const char *ns, *name;
	iq_fn *fn;
	enum stanza_type type; /* TYPE_GET or TYPE_SET */
	enum iq_place place;
	enum iq_rule rule;
	bool is_feature; /* told in disco#info of that place */
};

/* Up to an entry without a name. */
extern const struct iq_entry iq_table[];

void iq_from_client(struct session *s, const struct act *act, struct stanza *st);
void iq_to_user(const struct act *act, const struct stanza *st);
void iq_to_server(const struct act *act, const struct stanza *st);

/* Answers. A payload may be empty. */
void iq_result(const struct iq *iq, struct str payload);
void iq_error(const struct iq *iq, enum stanza_error e);

/* A request whose answer needs another daemon: what is left of it until then. The account is pinned. */
struct iq_later {
	struct act act;
	struct stanza *st;
	struct account *account;
	bool is_owner;
};
struct iq_later *iq_keep(const struct iq *iq);
/* Each answers and frees it. */
void iq_later_result(struct iq_later *l, struct str payload);
void iq_later_error(struct iq_later *l, enum stanza_error e);
/* What a refusal by storaged is to a client. */
enum stanza_error iq_error_of(enum bus_error e);
