/* XEP-0077 within a session: the user changes the password or gives the account up. Accounts are not made here.
 *
 * sessiond never sees a password: the edge puts it, sealed for authd, in the place of the <password/> that the client sent,
 * as <sealed xmlns="urn:jackdaw:seal">base64</sealed>. A client that writes such an element itself only gets an error, for
 * it has no key to seal with. */
#include "answers.h"

#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"

#define NS_REGISTER "jabber:iq:register"
#define NS_SEAL "urn:jackdaw:seal"
#define SEALED_MAX 4096 /* as messages.def has it */
#define CHANGE_MS 30000

static void
on_changed(void *arg, const struct bus_in *in, const void *msg)
{
	struct iq_later *l = arg;
	enum bus_error e = in && in->message->type == MSG_FAILED
	    ? (enum bus_error)((const struct msg_FAILED *)msg)->error
	    : BUS_ERROR_UNAVAILABLE;

	if (in && in->message->type == MSG_DONE)
		iq_later_result(l, (struct str){0});
	else if (e == BUS_ERROR_FORBIDDEN)
		iq_later_error(l, SE_NOT_ALLOWED); /* §3.3: where accounts cannot be written */
	else
		iq_later_error(l, iq_error_of(e));
}

/* It may have been asked of the server (iq->account is not set) or of the account. */
static struct iq_later *
keep(const struct iq *iq, struct session *s)
{
	struct iq copy = *iq;

	copy.account = s->account;
	return iq_keep(&copy);
}

static void
ask_authd(const struct iq *iq, struct session *s, enum msg_type type, void *msg)
{
	struct endpoint authd = {.role = ROLE_AUTHD};
	struct opid op = act_op(iq->act, OP_STANZA);

	bus_request(bus_of(iq->act->sd), &authd, type, msg, &op, iq->act->custody, CHANGE_MS,
	    on_changed, keep(iq, s));
}

/* The user's own name, in any spelling. */
static bool
is_own_name(const struct session *s, struct str name)
{
	struct jid_buf buf;
	struct str local;

	return jid_prepare_local(&local, &buf, name) && str_eq(local, s->jid.local);
}

static void
change_password(const struct iq *iq, struct session *s)
{
	const struct xml_node *name = xml_child(iq->node, NS_REGISTER, "username");
	const struct xml_node *sealed = xml_child(iq->node, NS_SEAL, "sealed");
	struct buf password = {0};
	struct msg_PASSWORD_SET m = {.jid = s->jid.bare, .edge_incarnation = s->handle.incarnation};

	if (xml_child(iq->node, NS_REGISTER, "password")) {
		log_warn("%s does not seal passwords: one is refused", role_name(s->edge.role));
		iq_error(iq, SE_NOT_ALLOWED);
	} else if (!name || !sealed) {
		iq_error(iq, SE_BAD_REQUEST);
	} else if (!is_own_name(s, name->text)) {
		iq_error(iq, SE_NOT_ALLOWED);
	} else if (!dec_base64(&password, sealed->text) || buf_len(&password) > SEALED_MAX) {
		iq_error(iq, SE_BAD_REQUEST);
	} else {
		m.password = buf_str(&password);
		ask_authd(iq, s, MSG_PASSWORD_SET, &m);
	}
	buf_deinit(&password);
}

/* authd's USER_REMOVE does the rest: the sessions end, the contacts are told, everything is erased. */
static void
remove_account(const struct iq *iq, struct session *s)
{
	struct msg_USER_REMOVE_SELF m = {.jid = s->jid.bare};

	if (iq->node->children->next) {
		iq_error(iq, SE_BAD_REQUEST);
		return;
	}
	log_info("%.*s asks for the removal of the account", STR_ARG(s->jid.bare));
	ask_authd(iq, s, MSG_USER_REMOVE_SELF, &m);
}

void
inband_get(const struct iq *iq)
{
	struct session *s = sessions_of_act(iq->act);
	struct buf out = {0};
	struct xml_writer w;

	if (!s || !settings_of(s->sd)->password_change) {
		iq_error(iq, SE_SERVICE_UNAVAILABLE);
		return;
	}
	xw_init(&w, &out, S("jabber:client"));
	xw_open(&w, S(NS_REGISTER), S("query"));
	xw_leaf(&w, (struct str){0}, "registered", (struct str){0});
	xw_leaf(&w, (struct str){0}, "username", s->jid.local);
	xw_leaf(&w, (struct str){0}, "password", (struct str){0});
	xw_close(&w);
	iq_result(iq, buf_str(&out));
	buf_deinit(&out);
}

void
inband_set(const struct iq *iq)
{
	struct session *s = sessions_of_act(iq->act);
	const struct sessiond_settings *set = settings_of(iq->act->sd);
	bool removes = xml_child(iq->node, NS_REGISTER, "remove");

	if (!s)
		iq_error(iq, SE_SERVICE_UNAVAILABLE);
	else if (removes ? !set->account_removal : !set->password_change)
		iq_error(iq, SE_NOT_ALLOWED);
	else if (removes)
		remove_account(iq, s);
	else
		change_password(iq, s);
}
