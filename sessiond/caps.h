/* What the server is, as disco#info tells it, and the string that XEP-0115 makes a hash of. c2sd, which can hash, puts it
 * into the stream's features. */
#pragma once

#include "xml/tree.h"
#include "xml/writer.h"
#include "sessiond.h"

#define CAPS_NODE "urn:jackdaw"
#define FEATURES_MAX 256

struct account;

struct features {
	struct str v[FEATURES_MAX]; /* borrowed, until something is delegated, or not any more */
	unsigned n;
};

/* Distinct features, in the order of their octets: ours, and of delegated namespaces what their managers say (nested.h). */
void caps_server_features(struct features *f, const struct sessiond *sd);
void caps_account_features(struct features *f, const struct account *a);
/* Identities (by category and type) and forms (by FORM_TYPE) that others tell, each of them once. */
#define TOLD_MAX 64 /* what is over it is left out */
struct told {
	struct told_one {
		const struct xml_node *node; /* NULL of the first one, which is ours */
		struct str first, second;
	} v[TOLD_MAX];
	unsigned n;
};
void caps_told_identities(struct told *t, const struct sessiond *sd, const struct account *a);
void caps_told_forms(struct told *t, const struct sessiond *sd, const struct account *a);
#define CAPS_SERVER_INFO "http://jabber.org/network/serverinfo"
/* XEP-0157: the form of contact addresses; nothing when there are none. */
void caps_write_contacts(struct xml_writer *w, const struct sessiond_settings *set);
/* caps_string.c: XEP-0115 §5.1 */
void caps_string(struct buf *out, const struct sessiond *sd);
/* Tells an edge: FEATURES. */
void caps_tell(struct sessiond *sd, const struct endpoint *edge);
void caps_tell_all(struct sessiond *sd);
