/* XEP-0441: what a user wants archived. The answer is what is in force then. Where the operator decides alone
 * (archive_preferences) it can be read, and a change is not-allowed. */
#include "answers.h"
#include "archive.h"
#include "base/mem.h"
#include "blob.h"

#include <stdlib.h>

#define PREFS_MS 30000

struct prefs_saving {
	struct iq_later *later;
	char *data; /* owned */
};

static void
answer_prefs(struct iq_later *l)
{
	struct buf out = {0};

	archive_prefs_write(l->account, &out);
	iq_later_result(l, buf_str(&out));
	buf_deinit(&out);
}

void
prefs_get(const struct iq *iq)
{
	if (archive_is_on(iq->account))
		answer_prefs(iq_keep(iq));
	else
		iq_error(iq, SE_FEATURE_NOT_IMPLEMENTED);
}

static void
on_saved(void *arg, const struct bus_in *in, const void *msg)
{
	struct prefs_saving *p = arg;
	const struct msg_FAILED *failed = msg;

	if (in && in->message->type == MSG_DONE) {
		archive_prefs_load(&p->later->account->archive, str_z(p->data));
		answer_prefs(p->later);
	} else {
		iq_later_error(p->later,
		    in && in->message->type == MSG_FAILED
			? iq_error_of((enum bus_error)failed->error)
			: SE_RESOURCE_CONSTRAINT);
	}
	free(p->data);
	free(p);
}

static void
save(const struct iq *iq, struct str data)
{
	struct endpoint storaged = {.role = ROLE_STORAGED};
	struct opid op = act_op(iq->act, OP_BLOB);
	struct msg_BLOB_PUT m = {.owner = iq->account->jid, .space = BLOB_ARCHIVE, .data = data};
	struct prefs_saving *p = NEW(struct prefs_saving);

	p->later = iq_keep(iq);
	p->data = str_dup(data);
	bus_request(bus_of(iq->act->sd), &storaged, MSG_BLOB_PUT, &m, &op, iq->act->custody,
	    PREFS_MS, on_saved, p);
}

void
prefs_set(const struct iq *iq)
{
	struct archive_prefs p = {0};
	struct str data = xml_node_raw(iq->arena, iq->node);

	if (!archive_is_on(iq->account))
		iq_error(iq, SE_FEATURE_NOT_IMPLEMENTED);
	else if (!archive_has_prefs(iq->account))
		iq_error(iq, SE_NOT_ALLOWED);
	else if (data.n > BLOB_DATA_MAX || !archive_prefs_load(&p, data))
		iq_error(iq, SE_BAD_REQUEST);
	else
		save(iq, data);
	archive_prefs_clear(&p);
}
