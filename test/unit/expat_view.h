/* A document as Expat sees it, to compare with what our reader sees (INV-4): one line per event, text joined, attributes in the
 * order of their names. Expat is loaded at run time, so that no other test is linked with it. */
#pragma once

#include "base/buf.h"

struct expat_view {
	struct buf text; /* the caller's */
	bool in_text;
};

/* First of all, once. False: there is no Expat. */
bool expat_view_load(void);
/* False when Expat refuses it. */
bool expat_view(struct expat_view *v, struct str document);
