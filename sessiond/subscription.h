/* Presence subscriptions: the tables of RFC 6121 appendix A and what follows from them. */
#pragma once

#include "account.h"

enum sub_action {
	SUB_SUBSCRIBE,
	SUB_UNSUBSCRIBE,
	SUB_SUBSCRIBED,
	SUB_UNSUBSCRIBED,
	SUB_ACTION_COUNT,
};

struct sub_rule {
	bool passes; /* routed to the contact (out), delivered to the user (in) */
	enum sub_state next;
	enum sub_answer {
		ANSWER_NOTHING,
		ANSWER_SUBSCRIBED,
		ANSWER_UNSUBSCRIBED,
	} answer; /* in: sent on the user's behalf */
};

/* The tables. */
struct sub_rule subscription_rule_out(enum sub_action action, enum sub_state state);
struct sub_rule subscription_rule_in(enum sub_action action, enum sub_state state);

/* From the user's client; from the contact. */
void subscription_leaves(struct account *a, const struct act *act, const struct stanza *st);
void subscription_arrives(struct account *a, const struct act *act, const struct stanza *st);

/* RFC 6121 §2.5.2: the item is going; ends both directions. Its state is None afterwards. */
void subscription_end(struct account *a, const struct act *act, struct contact *c);
