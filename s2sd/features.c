/* What incoming streams are offered, and what is made of what outgoing ones are: TLS as far as the policy wants it, then a certificate,
 * then dialback. */
#include <stdio.h>

#include "attempt.h"
#include "base/arena.h"
#include "names.h"
#include "pair.h"
#include "proof.h"
#include "xml/tree.h"
#include "negotiate.h"

/* ---- incoming ---- */

static bool
needs_tls(const struct stream *s)
{
	return !s->wire.tls && policy_wants_tls(stream_policy(s));
}

static void
write_starttls(struct xml_writer *w, bool is_required)
{
	xw_open(w, S(NS_TLS), S("starttls"));
	if (is_required)
		xw_leaf(w, S(""), "required", S(""));
	xw_close(w);
}

static void
write_external(struct xml_writer *w)
{
	xw_open(w, S(NS_SASL), S("mechanisms"));
	xw_leaf(w, S(""), "mechanism", S("EXTERNAL"));
	xw_close(w);
}

static void
write_dialback(struct xml_writer *w)
{
	xw_open(w, S(NS_DIALBACK_FEATURE), S("dialback"));
	xw_leaf(w, S(""), "errors", S(""));
	xw_close(w);
}

/* XEP-0478 */
static void
write_limits(const struct stream *s, struct xml_writer *w)
{
	const struct s2sd_settings *set = s2sd_settings(s->s2sd);
	struct buf text = {.data = NULL};

	buf_printf(
	    &text, "%lld", (long long)(s->is_known ? set->stanza.bytes : set->stranger.bytes));
	xw_open(w, S(NS_LIMITS), S("limits"));
	xw_leaf(w, S(""), "max-bytes", buf_str(&text));
	xw_close(w);
	buf_deinit(&text);
}

static void
write_proofs(const struct stream *s, struct xml_writer *w)
{
	bool is_external = !s->is_known && s->wire.tls && s->remote &&
	    external_is_proved(s, str_z(s->remote), NULL);

	if (is_external)
		write_external(w);
	if (s2sd_settings(s->s2sd)->dialback)
		write_dialback(w);
	xw_leaf(w, S(NS_BIDI_FEATURE), "bidi", S(""));
	xw_leaf(w, S(NS_SM), "sm", S(""));
}

void
features_send(struct stream *s)
{
	struct buf *out = wire_out(&s->wire);
	struct xml_writer w;

	buf_add_z(out, "<stream:features>");
	xw_init(&w, out, S(NS_SERVER));
	if (!s->wire.tls && stream_policy(s) != POLICY_OFF)
		write_starttls(&w, needs_tls(s));
	if (!needs_tls(s))
		write_proofs(s, &w);
	write_limits(s, &w);
	buf_add_z(out, "</stream:features>");
	stream_touch(s);
}

/* ---- outgoing ---- */

static bool
has_external(const struct xml_node *mechanisms)
{
	for (const struct xml_node *m = mechanisms ? mechanisms->children : NULL; m; m = m->next)
		if (str_is(m->name, "mechanism") && str_is(str_trim(m->text), "EXTERNAL"))
			return true;
	return false;
}

static unsigned
offers_of(const struct xml_element *e)
{
	struct arena a = {.blocks = NULL};
	struct xml_node *first = xml_tree_parse(&a, e->payload, S(NS_SERVER));
	unsigned offers = 0;

	if (xml_find(first, NS_TLS, "starttls"))
		offers |= OFFER_STARTTLS;
	if (has_external(xml_find(first, NS_SASL, "mechanisms")))
		offers |= OFFER_EXTERNAL;
	if (xml_find(first, NS_DIALBACK_FEATURE, "dialback"))
		offers |= OFFER_DIALBACK;
	if (xml_find(first, NS_BIDI_FEATURE, "bidi"))
		offers |= OFFER_BIDI;
	if (xml_find(first, NS_SM, "sm"))
		offers |= OFFER_SM;
	arena_deinit(&a);
	return offers;
}

static void
give_up(struct stream *s, const char *why)
{
	stream_log(s, LOG_INFO, "%s", why);
	snprintf(s->reason, sizeof(s->reason), "%s", why);
	stream_end(s, STREAM_OK, NULL);
}

/* The DNS says which certificate it has: no other will do, nor dialback, nor no TLS (RFC 7673 §3.4, §4). */
static bool
is_named_by_dane(const struct stream *s)
{
	return s->attempt->target.n_tlsa > 0 && stream_policy(s) != POLICY_OFF;
}

/* We have asked them to prove themselves before we say who we are (INV-8). */
static bool
peer_is_acceptable(struct stream *s)
{
	struct err why = {.text = ""};
	char text[sizeof(s->reason)];

	if ((stream_policy(s) != POLICY_REQUIRED_VERIFIED && !is_named_by_dane(s)) ||
	    (s->wire.tls && external_is_proved(s, str_z(s->remote), &why)))
		return true;
	snprintf(text, sizeof(text), "its certificate: %.100s", why.text[0] ? why.text : "none");
	give_up(s, text);
	return false;
}

static void
ask_for_bidi(struct stream *s)
{
	if (!(s->offers & OFFER_BIDI) || s->is_bidi)
		return;
	s->is_bidi = true;
	stream_write(s, S("<bidi xmlns='" NS_BIDI "'/>"));
}

static void
prove_ourselves(struct stream *s)
{
	if (s->is_known) {
		attempt_ready(s->attempt);
		return;
	}
	ask_for_bidi(s);
	if ((s->offers & OFFER_EXTERNAL) && !s->was_external)
		external_begin(s);
	else if (s2sd_settings(s->s2sd)->dialback && (s->offers & OFFER_DIALBACK))
		dialback_begin(s);
	else
		give_up(s, "it offers no way to prove who we are");
}

void
features_go_on(struct stream *s)
{
	enum policy policy = stream_policy(s);

	if (!s->wire.tls && policy != POLICY_OFF && (s->offers & OFFER_STARTTLS)) {
		stream_write(s, S("<starttls xmlns='" NS_TLS "'/>"));
		stream_set_state(s, S2S_STARTTLS);
	} else if (!s->wire.tls && (policy_wants_tls(policy) || is_named_by_dane(s))) {
		give_up(s, "it offers no TLS, which the policy or DANE requires");
	} else if (!peer_is_acceptable(s)) {
		return;
	} else if (s->attempt->is_verification) {
		attempt_ready(s->attempt);
	} else {
		prove_ourselves(s);
	}
}

bool
features_take(struct stream *s, const struct xml_element *e)
{
	if (s->is_misnamed) {
		stream_end(s, STREAM_INVALID_FROM, NULL);
		return false;
	}
	s->offers = offers_of(e);
	features_go_on(s);
	return true;
}
