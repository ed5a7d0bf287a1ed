/* RFC 6121 appendix A, tables 2 to 9, row by row. table */
#include "subscription.h"

#define STAY(state)                          \
	{                                    \
		false, state, ANSWER_NOTHING \
	}
#define PASS(next)                         \
	{                                  \
		true, next, ANSWER_NOTHING \
	}

static const struct sub_rule out[SUB_ACTION_COUNT][SUB_STATE_COUNT] = {
    [SUB_SUBSCRIBE] = /* table 2 */
    {
	[SUB_NONE] = PASS(SUB_NONE_OUT),
	[SUB_NONE_OUT] = PASS(SUB_NONE_OUT),
	[SUB_NONE_IN] = PASS(SUB_NONE_OUT_IN),
	[SUB_NONE_OUT_IN] = PASS(SUB_NONE_OUT_IN),
	[SUB_TO] = PASS(SUB_TO),
	[SUB_TO_IN] = PASS(SUB_TO_IN),
	[SUB_FROM] = PASS(SUB_FROM_OUT),
	[SUB_FROM_OUT] = PASS(SUB_FROM_OUT),
	[SUB_BOTH] = PASS(SUB_BOTH),
    },
    [SUB_UNSUBSCRIBE] = /* table 3 */
    {
	[SUB_NONE] = PASS(SUB_NONE),
	[SUB_NONE_OUT] = PASS(SUB_NONE),
	[SUB_NONE_IN] = PASS(SUB_NONE_IN),
	[SUB_NONE_OUT_IN] = PASS(SUB_NONE_IN),
	[SUB_TO] = PASS(SUB_NONE),
	[SUB_TO_IN] = PASS(SUB_NONE_IN),
	[SUB_FROM] = PASS(SUB_FROM),
	[SUB_FROM_OUT] = PASS(SUB_FROM),
	[SUB_BOTH] = PASS(SUB_FROM),
    },
    [SUB_SUBSCRIBED] = /* table 4; where it stays in None or To: pre-approval, §3.4 */
    {
	[SUB_NONE] = STAY(SUB_NONE),
	[SUB_NONE_OUT] = STAY(SUB_NONE_OUT),
	[SUB_NONE_IN] = PASS(SUB_FROM),
	[SUB_NONE_OUT_IN] = PASS(SUB_FROM_OUT),
	[SUB_TO] = STAY(SUB_TO),
	[SUB_TO_IN] = PASS(SUB_BOTH),
	[SUB_FROM] = STAY(SUB_FROM),
	[SUB_FROM_OUT] = STAY(SUB_FROM_OUT),
	[SUB_BOTH] = STAY(SUB_BOTH),
    },
    [SUB_UNSUBSCRIBED] = /* table 5 */
    {
	[SUB_NONE] = STAY(SUB_NONE),
	[SUB_NONE_OUT] = STAY(SUB_NONE_OUT),
	[SUB_NONE_IN] = PASS(SUB_NONE),
	[SUB_NONE_OUT_IN] = PASS(SUB_NONE_OUT),
	[SUB_TO] = STAY(SUB_TO),
	[SUB_TO_IN] = PASS(SUB_TO),
	[SUB_FROM] = PASS(SUB_NONE),
	[SUB_FROM_OUT] = PASS(SUB_NONE_OUT),
	[SUB_BOTH] = PASS(SUB_TO),
    },
};

#define GRANTED(state)                          \
	{                                       \
		false, state, ANSWER_SUBSCRIBED \
	}
#define GONE(next)                              \
	{                                       \
		true, next, ANSWER_UNSUBSCRIBED \
	}

static const struct sub_rule in[SUB_ACTION_COUNT][SUB_STATE_COUNT] = {
    [SUB_SUBSCRIBE] = /* table 6 */
    {
	[SUB_NONE] = PASS(SUB_NONE_IN),
	[SUB_NONE_OUT] = PASS(SUB_NONE_OUT_IN),
	[SUB_NONE_IN] = STAY(SUB_NONE_IN),
	[SUB_NONE_OUT_IN] = STAY(SUB_NONE_OUT_IN),
	[SUB_TO] = PASS(SUB_TO_IN),
	[SUB_TO_IN] = STAY(SUB_TO_IN),
	[SUB_FROM] = GRANTED(SUB_FROM),
	[SUB_FROM_OUT] = GRANTED(SUB_FROM_OUT),
	[SUB_BOTH] = GRANTED(SUB_BOTH),
    },
    [SUB_UNSUBSCRIBE] = /* table 7 */
    {
	[SUB_NONE] = STAY(SUB_NONE),
	[SUB_NONE_OUT] = STAY(SUB_NONE_OUT),
	[SUB_NONE_IN] = GONE(SUB_NONE),
	[SUB_NONE_OUT_IN] = GONE(SUB_NONE_OUT),
	[SUB_TO] = STAY(SUB_TO),
	[SUB_TO_IN] = GONE(SUB_TO),
	[SUB_FROM] = GONE(SUB_NONE),
	[SUB_FROM_OUT] = GONE(SUB_NONE_OUT),
	[SUB_BOTH] = GONE(SUB_TO),
    },
    [SUB_SUBSCRIBED] = /* table 8 */
    {
	[SUB_NONE] = STAY(SUB_NONE),
	[SUB_NONE_OUT] = PASS(SUB_TO),
	[SUB_NONE_IN] = STAY(SUB_NONE_IN),
	[SUB_NONE_OUT_IN] = PASS(SUB_TO_IN),
	[SUB_TO] = STAY(SUB_TO),
	[SUB_TO_IN] = STAY(SUB_TO_IN),
	[SUB_FROM] = STAY(SUB_FROM),
	[SUB_FROM_OUT] = PASS(SUB_BOTH),
	[SUB_BOTH] = STAY(SUB_BOTH),
    },
    [SUB_UNSUBSCRIBED] = /* table 9 */
    {
	[SUB_NONE] = STAY(SUB_NONE),
	[SUB_NONE_OUT] = PASS(SUB_NONE),
	[SUB_NONE_IN] = STAY(SUB_NONE_IN),
	[SUB_NONE_OUT_IN] = PASS(SUB_NONE_IN),
	[SUB_TO] = PASS(SUB_NONE),
	[SUB_TO_IN] = PASS(SUB_NONE_IN),
	[SUB_FROM] = STAY(SUB_FROM),
	[SUB_FROM_OUT] = PASS(SUB_FROM),
	[SUB_BOTH] = PASS(SUB_FROM),
    },
};

struct sub_rule
subscription_rule_out(enum sub_action action, enum sub_state state)
{
	return out[action][state];
}

struct sub_rule
subscription_rule_in(enum sub_action action, enum sub_state state)
{
	return in[action][state];
}
