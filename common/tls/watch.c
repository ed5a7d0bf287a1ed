/* Peers whose certificates must go on holding: verify.h. */
#include "base/mem.h"
#include "tls/context.h"
#include "tls/session.h"

#define LOOKS_MAX 64 /* at a time: with other CAs each costs some public-key operations */

void
tls_watch_peer(struct tls *s, void *owner)
{
	struct tls_context *t = s->context;

	if (s->peer.state != TLS_PEER_TRUSTED || !list_empty(&s->watched))
		return;
	s->owner = owner;
	list_add(&t->watched, &s->watched);
	t->n_watched++;
}

void
tls_unwatch(struct tls *s)
{
	if (list_empty(&s->watched))
		return;
	list_remove(&s->watched);
	s->context->n_watched--;
}

static bool
holds(struct tls *s, int64_t now_s)
{
	unsigned number;
	struct trust *trust = tls_context_trust(s->context, &number);

	if (number != s->trust_number)
		peer_verify_again(&s->peer, s->session, trust, s->wanted);
	s->trust_number = number;
	trust_unref(&trust);
	if (s->peer.state != TLS_PEER_TRUSTED)
		return false;
	if (now_s <= s->peer.until)
		return true;
	s->peer.state = TLS_PEER_UNTRUSTED;
	err_set(&s->peer.why, "the certificate, or one that it rests on, has expired");
	return false;
}

void
tls_context_look_at_peers(
    struct tls_context *t, int64_t now_s, void (*lapsed)(void *owner, const char *why))
{
	unsigned n = t->n_watched < LOOKS_MAX ? t->n_watched : LOOKS_MAX;

	for (; n > 0 && t->n_watched > 0; n--) {
		struct tls *s = CONTAINER_OF(t->watched.next, struct tls, watched);

		list_remove(&s->watched);
		list_add(&t->watched, &s->watched);
		if (holds(s, now_s))
			continue;
		tls_unwatch(s);
		lapsed(s->owner, s->peer.why.text);
	}
}
