/* XEP-0082 date-times from strangers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Microseconds since 1970. False, and nothing written, for anything else than CCYY-MM-DDThh:mm:ss[.sss]Z or ±hh:mm. */
bool datetime_parse(struct str text, int64_t *us_r);
