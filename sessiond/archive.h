/* Which messages go into an account's archive, and their ids on the wire (XEP-0313 §3.3, §5.1; XEP-0359; XEP-0441). The id
 * follows from the operation id (base/archive_id.h): nothing is asked and a second run stamps the same. */
#pragma once

#include "base/buf.h"
#include "act.h"

struct account;

enum archive_policy {
	ARCHIVE_OFF, /* no archive: XEP-0313 is not offered */
	ARCHIVE_ALWAYS,
	ARCHIVE_ROSTER, /* with those in the roster */
};

/* What is different for one domain: a section of the settings. */
struct archive_domain {
	const char *title;
	int archive;     /* 0: as for all; else 1 + enum archive_policy */
	int preferences; /* enum archive_switch */
};

enum archive_switch {
	SWITCH_DEFAULT, /* as for all */
	SWITCH_ON,
	SWITCH_OFF,
};

#define ARCHIVE_JIDS_MAX 500 /* of one list */

enum archive_default {
	DEFAULT_OF_DOMAIN, /* the user has said nothing */
	DEFAULT_ALWAYS,
	DEFAULT_NEVER,
	DEFAULT_ROSTER,
};

/* What the user wants archived; zeroed: what the domain says. The lists are one owned block. */
struct archive_prefs {
	enum archive_default otherwise;
	struct str *always, *never;
	unsigned n_always, n_never;
};

/* From the stored bytes, or those a client sent: false when they are not right; prefs are then as before. */
bool archive_prefs_load(struct archive_prefs *p, struct str data);
void archive_prefs_clear(struct archive_prefs *p);
/* <prefs/> as a client gets it: those in force. */
void archive_prefs_write(const struct account *a, struct buf *out);

bool archive_is_on(const struct account *a);
/* May this user say what is archived? If not, what the user said before does not count either. */
bool archive_has_prefs(const struct account *a);
/* Can it be searched for words (XEP-0431)? storaged says so. */
bool archive_is_searchable(const struct account *a);
void handle_searchable(struct sessiond *sd, const struct bus_in *in, const void *msg);
/* Does this message belong into this account's archive? other: who it is to or from. */
bool archive_wants(const struct account *a, const struct stanza *st, struct str other);

/* The stanza as those get it who may look into the archive. */
struct archive_stamp {
	struct buf payload;
	struct stanza st;
};
/* st itself, or a copy with the id of this account's archive; the caller frees the stamp either way. */
const struct stanza *archive_stamp(struct archive_stamp *s, const struct account *a,
    const struct act *act, const struct stanza *st, bool is_archived);
void archive_stamp_free(struct archive_stamp *s);
void archive_write_id(struct buf *out, const struct id128 *origin, uint64_t n, struct str owner);
