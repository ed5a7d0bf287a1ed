/* See proof.h. */
#include "proof.h"

#include <stdlib.h>

#include "base/mem.h"
#include "verification.h"

struct proof *
proof_find(const struct stream *s, struct str local, struct str remote)
{
	LIST_FOREACH(&s->proofs, it) {
		struct proof *p = CONTAINER_OF(it, struct proof, link);

		if (str_is(local, p->local) && str_is(remote, p->remote))
			return p;
	}
	return NULL;
}

static unsigned
count(const struct stream *s)
{
	unsigned n = 0;

	LIST_FOREACH(&s->proofs, it)
		n++;
	return n;
}

struct proof *
proof_new(struct stream *s, struct str local, struct str remote)
{
	struct proof *p;

	if (count(s) >= PROOFS_MAX)
		return NULL;
	p = NEW(struct proof);
	p->local = str_dup(local);
	p->remote = str_dup(remote);
	list_add(&s->proofs, &p->link);
	return p;
}

void
proof_free(struct proof *p)
{
	verification_free(&p->verification);
	list_remove(&p->link);
	free(p->local);
	free(p->remote);
	free(p);
}

bool
proof_any(const struct stream *s)
{
	LIST_FOREACH(&s->proofs, it) {
		if (CONTAINER_OF(it, struct proof, link)->state == PROOF_VALID)
			return true;
	}
	return false;
}

void
proof_is_valid(struct stream *s, struct proof *p)
{
	p->state = PROOF_VALID;
	stream_log(s, LOG_INFO, "%s has proved itself to %s", p->remote, p->local);
	stream_is_known(s);
}
