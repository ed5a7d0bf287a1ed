/* PLAIN (RFC 4616): [authzid] NUL authcid NUL password. Only under TLS. The password is checked by
 * deriving the account's SCRAM-SHA-256 credential from it again, so there is one stored form and
 * one cost, also for accounts that don't exist. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/jid.h"
#include "sasl_mechanism.h"

static bool
plain_split(struct str data, struct str part_r[3])
{
	return str_split(data, '\0', &part_r[0], &data) &&
	    str_split(data, '\0', &part_r[1], &part_r[2]) && !str_empty(part_r[1]) &&
	    !str_empty(part_r[2]) && str_find(part_r[2], '\0') == part_r[2].n;
}

enum sasl_step
sasl_plain_first(struct sasl *s, struct str data)
{
	struct str part[3];
	enum sasl_condition why;

	if (!str_is_utf8(data) || !plain_split(data, part))
		return sasl_fail(s, SASL_MALFORMED_REQUEST);
	why = sasl_identify(s, part[1], part[0]);
	if (why != SASL_NONE)
		return sasl_fail(s, why);
	s->password = jid_prepare_password(part[2], &s->password_n);
	return s->password ? STEP_FIND : sasl_fail(s, SASL_NOT_AUTHORIZED);
}

enum sasl_step
sasl_plain_found(struct sasl *s)
{
	s->derived = s->wanted;
	return STEP_DERIVE;
}

enum sasl_step
sasl_plain_derived(struct sasl *s)
{
	bool same = credential_same(&s->derived, &s->wanted, s->mechanism->digest);

	secret_wipe(&s->derived, sizeof(s->derived));
	secret_wipe(s->password, s->password_n);
	return same && s->known ? STEP_SUCCESS : sasl_fail(s, SASL_NOT_AUTHORIZED);
}
