/* What the server is, as disco#info tells it, and the string that XEP-0115 makes a hash of. c2sd, which can hash, puts it
 * into the stream's features. */
#pragma once

#include "xml/writer.h"
#include "sessiond.h"

#define CAPS_NODE "urn:jackdaw"
#define FEATURES_MAX 64

/* Distinct features of the server, in the order of strcmp; returns their number. */
unsigned caps_server_features(const char *list[FEATURES_MAX], const struct sessiond_settings *set);
/* A feature that the operator has switched off. */
bool caps_is_off(const char *ns, const struct sessiond_settings *set);
/* XEP-0157: the form of contact addresses; nothing when there are none. */
void caps_write_contacts(struct xml_writer *w, const struct sessiond_settings *set);
/* XEP-0115 §5.1 */
void caps_string(struct buf *out, const struct sessiond_settings *set);
/* Tells an edge: FEATURES. */
void caps_tell(struct sessiond *sd, const struct endpoint *edge);
