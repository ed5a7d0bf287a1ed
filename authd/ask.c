/* Answers that take a while. */
#include "ask.h"

#include "roles.h"

void
ask_hold(struct ask *ask, struct authd *a, const struct bus_in *in, uint64_t request)
{
	*ask = (struct ask){
	    .authd = a,
	    .from = in->from,
	    .op = in->op,
	    .request = request,
	    .custody = custody_hold(in->custody),
	    .open = true,
	};
}

/* At the orderly stop the bus may be gone before us, and its custodies with it. */
static bool
ask_take(struct ask *ask)
{
	bool take = ask->open && ask->authd->daemon->bus && !ask->authd->stopping;

	ask->open = false;
	return take;
}

void
ask_answer(struct ask *ask, enum msg_type type, void *msg)
{
	if (!ask_take(ask))
		return;
	bus_answer(
	    ask->authd->daemon->bus, &ask->from, ask->request, type, msg, &ask->op, ask->custody);
	custody_release(ask->custody);
}

void
ask_done(struct ask *ask)
{
	struct msg_DONE done = {0};

	ask_answer(ask, MSG_DONE, &done);
}

void
ask_failed(struct ask *ask, enum bus_error error, const char *text)
{
	struct msg_FAILED failed = {.error = error, .text = str_z(text)};

	ask_answer(ask, MSG_FAILED, &failed);
}

void
ask_refused(struct ask *ask, enum store_result result)
{
	struct refusal why = refusal_of(result);

	ask_failed(ask, why.error, why.text);
}

void
ask_drop(struct ask *ask)
{
	if (ask_take(ask))
		custody_release(ask->custody);
}
