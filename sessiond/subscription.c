/* See subscription.h. The order is: change the roster in memory, send it to storaged, tell the contact; the push to the
 * user's own sessions follows storaged's answer. What comes back from a contact of this shard within the same call finds
 * the new state. */
#include "subscription.h"

#include "base/log.h"
#include "bounce.h"
#include "presence.h"
#include "roster.h"
#include "route.h"

static enum sub_action
action_of(const struct stanza *st)
{
	switch ((enum stanza_type)st->type) {
	case TYPE_SUBSCRIBE:
		return SUB_SUBSCRIBE;
	case TYPE_UNSUBSCRIBE:
		return SUB_UNSUBSCRIBE;
	case TYPE_SUBSCRIBED:
		return SUB_SUBSCRIBED;
	case TYPE_UNSUBSCRIBED:
	case TYPE_NORMAL:
	case TYPE_CHAT:
	case TYPE_GROUPCHAT:
	case TYPE_HEADLINE:
	case TYPE_ERROR:
	case TYPE_AVAILABLE:
	case TYPE_UNAVAILABLE:
	case TYPE_PROBE:
	case TYPE_GET:
	case TYPE_SET:
	case TYPE_RESULT:
	case TYPE_COUNT:
		break;
	}
	return SUB_UNSUBSCRIBED;
}

static void
set_state(struct account *a, struct contact *c, enum sub_state next)
{
	bool was_request = contact_is_request(c);

	c->state = next;
	if (was_request && !contact_is_request(c))
		contact_set_pending(&a->roster, c, (struct str){0});
}

static void
pass_on(const struct act *act, const struct stanza *st, struct str from, struct str to)
{
	struct stanza out = *st;

	out.from = from;
	out.to = to;
	route_stanza(act, OP_SUBSCRIPTION, &out);
}

static void
send_plain(const struct act *act, enum stanza_type type, struct str from, struct str to)
{
	struct stanza st = {.kind = STANZA_PRESENCE, .type = (uint8_t)type, .from = from, .to = to};

	route_stanza(act, OP_SUBSCRIPTION, &st);
}

/* ---- from the user ---- */

/* §3.4: said before it was asked for; or taken back. */
static bool
pre_approve(struct account *a, const struct act *act, struct contact *c, enum sub_action action)
{
	if (action == SUB_SUBSCRIBED && !contact_has_from(c)) {
		contact_set_listed(&a->roster, c);
		c->approved = true;
	} else if (action == SUB_UNSUBSCRIBED && c->approved) {
		c->approved = false;
	} else {
		return false;
	}
	roster_save(a, act, c, OP_ROSTER, true, NULL);
	return true;
}

static void
leave_with(struct account *a, const struct act *act, const struct stanza *st, struct contact *c)
{
	enum sub_action action = action_of(st);
	struct sub_rule rule = subscription_rule_out(action, c->state);
	bool had_from = contact_has_from(c), changes = rule.next != c->state;
	struct jid_buf to;
	struct str contact = contact_jid(c, &to);

	if (!rule.passes) {
		if (!pre_approve(a, act, c, action) && contact_is_empty(c))
			roster_remove(&a->roster, c);
		return;
	}
	/* §3.2.2: while the contact may still see it. */
	if (action == SUB_UNSUBSCRIBED && had_from)
		presence_hide_from(a, act, contact);
	set_state(a, c, rule.next);
	if (action == SUB_UNSUBSCRIBED)
		c->approved = false;
	if (changes && (action == SUB_SUBSCRIBE || action == SUB_SUBSCRIBED))
		contact_set_listed(&a->roster, c);
	if (changes)
		roster_save(a, act, c, OP_ROSTER, c->is_listed, NULL);
	else if (contact_is_empty(c))
		roster_remove(&a->roster, c);
	pass_on(act, st, a->jid, contact);
	if (action == SUB_SUBSCRIBED)
		presence_show_to(a, act, contact);
}

void
subscription_leaves(struct account *a, const struct act *act, const struct stanza *st)
{
	struct str contact = jid_split(st->to).bare;
	struct contact *c = roster_find(&a->roster, contact);
	enum sub_action action = action_of(st);
	bool adds = (action == SUB_SUBSCRIBE || action == SUB_SUBSCRIBED) && !(c && c->is_listed);

	/* The user always sees the own presence; there is nothing to subscribe to. */
	if (str_eq(contact, a->jid))
		return;
	if (act_denies(a, act, st->to, PRIVACY_REST)) {
		bounce_blocked(a, act, st);
		return;
	}
	if (adds && !roster_has_room(a, contact.n)) {
		bounce(act, st, SE_RESOURCE_CONSTRAINT);
		return;
	}
	leave_with(a, act, st, c ? c : roster_touch(&a->roster, contact));
}

/* ---- from the contact ---- */

static void
tell_available(struct account *a, const struct act *act, const struct stanza *st)
{
	LIST_FOREACH(&a->sessions, it) {
		struct session *s = CONTAINER_OF(it, struct session, link);

		if (session_is_available(s) && !session_denies(s, st->from, PRIVACY_REST))
			outbound_stanza(s, act, act_op_of(act, OP_SUBSCRIPTION, S("subscribe")), st);
	}
}

static void
grant(struct account *a, const struct act *act, struct str contact)
{
	send_plain(act, TYPE_SUBSCRIBED, a->jid, contact);
	presence_show_to(a, act, contact);
}

/* §3.4.2: approved before it was asked for. */
static void
approve(struct account *a, const struct act *act, struct contact *c, struct str contact)
{
	struct sub_rule asked = subscription_rule_in(SUB_SUBSCRIBE, c->state);

	set_state(a, c, subscription_rule_out(SUB_SUBSCRIBED, asked.next).next);
	roster_save(a, act, c, OP_ROSTER_CONTACT, true, NULL);
	grant(a, act, contact);
}

/* A request is kept whole, but not at any length and not any number of them (§3.1.3, security warning). */
static void
keep_request(struct account *a, const struct act *act, const struct stanza *st, enum sub_state next)
{
	struct str contact = jid_split(st->from).bare;
	struct str payload = st->payload.n <= REQUEST_PAYLOAD_MAX ? st->payload : (struct str){0};
	struct contact *c = roster_find(&a->roster, contact);

	if (!c &&
	    (a->roster.n_requests >= settings_of(a->sd)->requests_max ||
		!roster_has_room(a, contact.n + payload.n))) {
		log_info("%.*s has too many subscription requests", STR_ARG(a->jid));
		return;
	}
	c = c ? c : roster_touch(&a->roster, contact);
	c->state = next;
	contact_set_pending(&a->roster, c, payload);
	roster_save(a, act, c, OP_ROSTER_CONTACT, false, NULL);
	tell_available(a, act, st);
}

static void
subscribe_arrives(struct account *a, const struct act *act, const struct stanza *st)
{
	struct str contact = jid_split(st->from).bare;
	struct contact *c = roster_find(&a->roster, contact);
	struct sub_rule rule = subscription_rule_in(SUB_SUBSCRIBE, c ? c->state : SUB_NONE);

	if (rule.answer == ANSWER_SUBSCRIBED)
		send_plain(act, TYPE_SUBSCRIBED, a->jid, contact);
	else if (c && c->approved)
		approve(a, act, c, contact);
	else if (rule.passes)
		keep_request(a, act, st, rule.next);
}

/* The other three: to the interested sessions first, then the change. */
static void
change_arrives(struct account *a, const struct act *act, const struct stanza *st, struct contact *c)
{
	enum sub_action action = action_of(st);
	struct sub_rule rule = subscription_rule_in(action, c->state);
	bool had_from = contact_has_from(c), was_listed = c->is_listed;
	enum op_kind kind = action == SUB_UNSUBSCRIBE ? OP_ROSTER_CONTACT : OP_SUBSCRIPTION;
	struct str contact = jid_split(st->from).bare;

	if (rule.next == c->state)
		return;
	/* Table 7: also when a request is taken back, so that clients stop to show it. */
	roster_tell_interested(a, act, st, str_z(stanza_type_name((enum stanza_type)st->type)));
	set_state(a, c, rule.next);
	roster_save(a, act, c, kind, was_listed, NULL);
	if (action == SUB_UNSUBSCRIBE && had_from)
		presence_hide_from(a, act, contact);
	if (rule.answer == ANSWER_UNSUBSCRIBED)
		send_plain(act, TYPE_UNSUBSCRIBED, a->jid, contact);
}

void
subscription_arrives(struct account *a, const struct act *act, const struct stanza *st)
{
	struct jid to = jid_split(st->to);
	struct str contact = jid_split(st->from).bare;
	struct contact *c = roster_find(&a->roster, contact);
	struct stanza bare = *st;

	/* RFC 6121 §8.5.1, §8.5.3.2.2 */
	if (!a->exists || str_eq(contact, a->jid) || account_refuses(a, st->from, PRIVACY_REST))
		return;
	if (!jid_is_bare(&to) && st->type != TYPE_SUBSCRIBE && !account_session(a, to.resource))
		return;
	bare.from = contact;
	bare.to = a->jid;
	if (st->type == TYPE_SUBSCRIBE)
		subscribe_arrives(a, act, &bare);
	else if (c)
		change_arrives(a, act, &bare, c);
}

/* ---- the end ---- */

void
subscription_end(struct account *a, const struct act *act, struct contact *c)
{
	bool to = contact_has_to(c) || contact_is_asked(c);
	bool from = contact_has_from(c), request = contact_is_request(c);
	struct jid_buf buf;
	struct str contact = contact_jid(c, &buf);

	if (from)
		presence_hide_from(a, act, contact);
	set_state(a, c, SUB_NONE);
	c->approved = false;
	if (to)
		send_plain(act, TYPE_UNSUBSCRIBE, a->jid, contact);
	if (from || request)
		send_plain(act, TYPE_UNSUBSCRIBED, a->jid, contact);
}
