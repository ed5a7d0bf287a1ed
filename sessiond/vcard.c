/* XEP-0054: a user's vCard is kept as it is; anybody may read it. */
#include "blob.h"
#include "answers.h"

/* §3.3: for others it is the same whether there is no vCard or no such user. */
static void
on_vcard(struct iq_later *l, struct str data)
{
	if (str_empty(data))
		iq_later_error(l, SE_SERVICE_UNAVAILABLE);
	else
		iq_later_result(l, data);
}

void
vcard_get(const struct iq *iq)
{
	struct str none = iq->is_owner ? S("<vCard xmlns=\"vcard-temp\"/>") : (struct str){0};

	blob_get(iq, BLOB_VCARD, (struct str){0}, none, on_vcard);
}

void
vcard_set(const struct iq *iq)
{
	struct blob_item vcard = {.data = xml_node_raw(iq->arena, iq->node)};

	blob_put(iq, BLOB_VCARD, &vcard, 1);
}
