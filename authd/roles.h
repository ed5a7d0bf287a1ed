/* Decisions about addresses, from the settings of the suite. */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "service/service.h"
#include "store.h"

bool is_user_domain(const struct suite *suite, struct str domain);

/* Why this cannot be the address of an account of ours; NULL when it can. Only prepared bare
 * addresses are taken (INV-27). suite NULL: any domain. */
const char *account_refused(const struct suite *suite, struct str jid);

#define PASSWORD_REFUSED "the password is empty, or has characters that a password must not have"

/* What a request is answered with that the store did not carry out. */
struct refusal {
	enum bus_error error;
	const char *text;
};
struct refusal refusal_of(enum store_result result);
