/* jackdawctl s2s: lines over the control socket.
 *
 *   s2s list                      a line per stream: LOCAL DIRECTION REMOTE STATE TLS ADDRESS SECONDS PROOF…
 *   s2s queue                     a line per pair with something to do: LOCAL REMOTE STANZAS BYTES STATE WHY
 *   s2s close DOMAIN              ends all streams with it in good order; what waits is sent on new ones
 *   s2s retry DOMAIN              begins anew whatever is being set up, and forgets what failed before */
#include <unistd.h>

#include "attempt.h"
#include "base/mem.h"
#include "ending.h"
#include "pair.h"
#include "proof.h"

static const char *
state_name(const struct stream *s)
{
	static const char *const NAMES[S2S_STATE_COUNT] = {"header", "features", "starttls",
	    "handshake", "external", "dialback", "open", "finishing", "half-closed", "closing"};

	return s->verification                     ? "verifying"
	    : s->state == S2S_OPEN && !s->is_known ? "unproved"
						   : NAMES[s->state];
}

static void
print_stream(const struct stream *s, struct buf *out)
{
	uint64_t idle_ms = s2sd_now_ms(s->s2sd) - s->used_ms;

	buf_printf(out, "%s %s %s %s %s %s %llu", s->local ? s->local : "-",
	    s->is_bidi      ? "both"
		: s->is_out ? "out"
			    : "in",
	    s->remote ? s->remote : "-", state_name(s), s->wire.tls ? "tls" : "clear",
	    s->visitor.address, (unsigned long long)(idle_ms / 1000));
	LIST_FOREACH(&s->proofs, it) {
		const struct proof *p = CONTAINER_OF(it, struct proof, link);

		if (!s->is_out)
			buf_printf(out, " %s%s>%s", p->remote, p->state == PROOF_VALID ? "" : "?",
			    p->local);
	}
	buf_add_c(out, '\n');
}

static void
list(struct s2sd *d, struct buf *out)
{
	LIST_FOREACH(&d->open, it)
		print_stream(CONTAINER_OF(it, struct stream, link), out);
	LIST_FOREACH(&d->preauth, it)
		print_stream(CONTAINER_OF(it, struct stream, link), out);
}

static void
queue(struct s2sd *d, struct buf *out)
{
	struct pair *p, *next;

	HASH_ITER(hh, d->pairs, p, next)
		buf_printf(out, "%s %s %u %zu %s %s\n", p->local, p->remote, p->n_items, p->bytes,
		    p->stream        ? "linked"
			: p->attempt ? "connecting"
				     : "idle",
		    p->attempt && p->attempt->why[0] ? p->attempt->why : p->why);
}

/* What is still being set up goes on: nothing was sent on it, and what waits for it would get an error. */
static bool
is_with(const struct stream *s, const void *domain)
{
	return s->state == S2S_OPEN && s->is_known && s->remote &&
	    str_is(*(const struct str *)domain, s->remote);
}

static void
close_domain(struct s2sd *d, struct str domain, struct buf *out)
{
	buf_printf(out, "%u\n", stream_finish_all(&d->open, STREAM_OK, is_with, &domain));
}

static void
retry(struct s2sd *d, struct str domain, struct buf *out)
{
	struct pair *p, *next;
	unsigned n = 0;

	dialer_forget(d->dialer, domain);
	HASH_ITER(hh, d->pairs, p, next) {
		if (!str_is(domain, p->remote) || !p->attempt)
			continue;
		pair_retry(p);
		n++;
	}
	buf_printf(out, "%u\n", n);
}

/* With or without a domain: one of the two is set. */
static const struct verb {
	const char *name;
	void (*show)(struct s2sd *d, struct buf *out);
	void (*act)(struct s2sd *d, struct str domain, struct buf *out);
} VERBS[] = {{"list", list, NULL}, {"queue", queue, NULL}, {"close", NULL, close_domain},
    {"retry", NULL, retry}};

static bool
run(struct s2sd *d, const struct verb *v, struct str argument, struct buf *out)
{
	struct jid_buf buf;
	struct str domain = S("");

	if (v->act && !jid_prepare_domain(&domain, &buf, argument))
		return false;
	buf_add_z(out, "ok\n");
	if (v->act)
		v->act(d, domain, out);
	else
		v->show(d, out);
	return true;
}

bool
s2sd_control(struct daemon *daemon, struct str line, const int *fds, unsigned n_fds, struct buf *out)
{
	struct str word, verb, rest;

	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	if (!str_split(str_trim(line), ' ', &word, &rest) || !str_is(word, "s2s"))
		return false;
	str_split(rest, ' ', &verb, &rest);
	for (size_t i = 0; i < COUNT(VERBS); i++)
		if (str_is(verb, VERBS[i].name))
			return run(daemon->state, &VERBS[i], rest, out);
	return false;
}
