/* Names of stanza kinds, types and errors, and a stanza on the wire. The tables are the whole knowledge. */
#include "base/stanza.h"

#include "base/mem.h"
#include "xml/writer.h"

#define NS_STANZAS S("urn:ietf:params:xml:ns:xmpp-stanzas")

static const char *const kind_names[STANZA_KIND_COUNT] = {
    [STANZA_MESSAGE] = "message",
    [STANZA_PRESENCE] = "presence",
    [STANZA_IQ] = "iq",
};

#define MESSAGE (1u << STANZA_MESSAGE)
#define PRESENCE (1u << STANZA_PRESENCE)
#define IQ (1u << STANZA_IQ)

static const struct {
	const char *name; /* NULL: written as no attribute */
	unsigned kinds;
} types[TYPE_COUNT] = {
    [TYPE_NORMAL] = {NULL, MESSAGE},
    [TYPE_CHAT] = {"chat", MESSAGE},
    [TYPE_GROUPCHAT] = {"groupchat", MESSAGE},
    [TYPE_HEADLINE] = {"headline", MESSAGE},
    [TYPE_ERROR] = {"error", MESSAGE | PRESENCE | IQ},
    [TYPE_AVAILABLE] = {NULL, PRESENCE},
    [TYPE_UNAVAILABLE] = {"unavailable", PRESENCE},
    [TYPE_SUBSCRIBE] = {"subscribe", PRESENCE},
    [TYPE_SUBSCRIBED] = {"subscribed", PRESENCE},
    [TYPE_UNSUBSCRIBE] = {"unsubscribe", PRESENCE},
    [TYPE_UNSUBSCRIBED] = {"unsubscribed", PRESENCE},
    [TYPE_PROBE] = {"probe", PRESENCE},
    [TYPE_GET] = {"get", IQ},
    [TYPE_SET] = {"set", IQ},
    [TYPE_RESULT] = {"result", IQ},
};

/* RFC 6120 §8.3.3; where it leaves a choice of types, the one that fits a server's use. */
static const struct {
	const char *name, *type;
} errors[SE_COUNT] = {
    [SE_NONE] = {"undefined-condition", "cancel"},
    [SE_BAD_REQUEST] = {"bad-request", "modify"},
    [SE_CONFLICT] = {"conflict", "cancel"},
    [SE_FEATURE_NOT_IMPLEMENTED] = {"feature-not-implemented", "cancel"},
    [SE_FORBIDDEN] = {"forbidden", "auth"},
    [SE_GONE] = {"gone", "cancel"},
    [SE_INTERNAL_SERVER_ERROR] = {"internal-server-error", "cancel"},
    [SE_ITEM_NOT_FOUND] = {"item-not-found", "cancel"},
    [SE_JID_MALFORMED] = {"jid-malformed", "modify"},
    [SE_NOT_ACCEPTABLE] = {"not-acceptable", "modify"},
    [SE_NOT_ALLOWED] = {"not-allowed", "cancel"},
    [SE_NOT_AUTHORIZED] = {"not-authorized", "auth"},
    [SE_POLICY_VIOLATION] = {"policy-violation", "modify"},
    [SE_RECIPIENT_UNAVAILABLE] = {"recipient-unavailable", "wait"},
    [SE_REDIRECT] = {"redirect", "modify"},
    [SE_REGISTRATION_REQUIRED] = {"registration-required", "auth"},
    [SE_REMOTE_SERVER_NOT_FOUND] = {"remote-server-not-found", "cancel"},
    [SE_REMOTE_SERVER_TIMEOUT] = {"remote-server-timeout", "wait"},
    [SE_RESOURCE_CONSTRAINT] = {"resource-constraint", "wait"},
    [SE_SERVICE_UNAVAILABLE] = {"service-unavailable", "cancel"},
    [SE_SUBSCRIPTION_REQUIRED] = {"subscription-required", "auth"},
    [SE_UNDEFINED_CONDITION] = {"undefined-condition", "cancel"},
    [SE_UNEXPECTED_REQUEST] = {"unexpected-request", "wait"},
};

const char *
stanza_kind_name(enum stanza_kind kind)
{
	return kind < STANZA_KIND_COUNT ? kind_names[kind] : NULL;
}

const char *
stanza_type_name(enum stanza_type type)
{
	return type < TYPE_COUNT ? types[type].name : NULL;
}

const char *
stanza_error_name(enum stanza_error e)
{
	return errors[e < SE_COUNT ? e : SE_UNDEFINED_CONDITION].name;
}

static bool
type_without_attribute(enum stanza_kind kind, enum stanza_type *type_r)
{
	if (kind == STANZA_MESSAGE)
		*type_r = TYPE_NORMAL;
	else if (kind == STANZA_PRESENCE)
		*type_r = TYPE_AVAILABLE;
	return kind != STANZA_IQ;
}

bool
stanza_type_parse(enum stanza_kind kind, struct str text, enum stanza_type *type_r)
{
	if (str_empty(text))
		return type_without_attribute(kind, type_r);
	for (unsigned i = 0; i < TYPE_COUNT; i++) {
		if ((types[i].kinds & (1u << kind)) && types[i].name && str_is(text, types[i].name)) {
			*type_r = (enum stanza_type)i;
			return true;
		}
	}
	if (kind == STANZA_MESSAGE)
		*type_r = TYPE_NORMAL;
	return kind == STANZA_MESSAGE;
}

void
xml_write_stanza(struct buf *out, const struct stanza *s)
{
	const char *name = stanza_kind_name((enum stanza_kind)s->kind);
	const char *type = stanza_type_name((enum stanza_type)s->type);
	struct xml_writer w;
	if (!name)
		bug("stanza of kind %u", s->kind);
	xw_init(&w, out, (struct str){0});
	xw_open(&w, (struct str){0}, str_z(name));
	xw_attr_if(&w, "from", s->from);
	xw_attr_if(&w, "to", s->to);
	/* RFC 6120 §8.3.1: an error about an iq without one has an empty one. */
	if (s->kind == STANZA_IQ)
		xw_attr(&w, "id", s->id);
	else
		xw_attr_if(&w, "id", s->id);
	xw_attr_if(&w, "type", str_z(type));
	xw_attr_if(&w, "xml:lang", s->lang);
	xw_raw(&w, s->payload);
	xw_close(&w);
}

void
xml_write_forwarded(struct xml_writer *w, const struct stanza *st, const char *stamp)
{
	xw_open(w, S("urn:xmpp:forward:0"), S("forwarded"));
	if (stamp) {
		xw_open(w, S("urn:xmpp:delay"), S("delay"));
		xw_attr(w, "stamp", str_z(stamp));
		xw_close(w);
	}
	xw_open(w, S("jabber:client"), str_z(stanza_kind_name((enum stanza_kind)st->kind)));
	xw_attr(w, "from", st->from);
	xw_attr_if(w, "to", st->to);
	xw_attr_if(w, "id", st->id);
	xw_attr_if(w, "type", str_z(stanza_type_name((enum stanza_type)st->type)));
	xw_attr_if(w, "xml:lang", st->lang);
	xw_raw(w, st->payload);
	xw_close(w);
	xw_close(w);
}

void
xml_write_error(struct xml_writer *w, enum stanza_error e, struct str text)
{
	unsigned i = e < SE_COUNT ? e : SE_UNDEFINED_CONDITION;
	xw_open(w, (struct str){0}, S("error"));
	xw_attr(w, "type", str_z(errors[i].type));
	xw_leaf(w, NS_STANZAS, errors[i].name, (struct str){0});
	if (!str_empty(text))
		xw_leaf(w, NS_STANZAS, "text", text);
	xw_close(w);
}
