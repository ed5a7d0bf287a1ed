/* The public id of a message in an archive (XEP-0313 UID, XEP-0359). It follows from what the message is (origin and n of
 * its operation id, BUS.md §7) and whose archive it is, so whoever handles the stanza, again after a crash too, stamps the
 * same id without asking, and nobody has to store it. Unpredictable because the origin is 128 random bits that never
 * leave the suite. */
#pragma once

#include "base/id.h"

/* owner: bare JID of the archive. */
struct id128 archive_id(const struct id128 *origin, uint64_t n, struct str owner);
/* The half that all archives of one message share, by which it is found; the other half proves the owner. */
uint64_t archive_id_tag(const struct id128 *id);
