/* How a mechanism is made; sasl.c calls, sasl_plain.c and sasl_scram.c implement. A new mechanism
 * is a row in the table of sasl.c and a file like those. */
#pragma once

#include "sasl.h"

struct sasl_mechanism {
	const char *name;
	enum digest digest;
	bool needs_tls;
	bool plus; /* with channel binding */
	enum sasl_step (*first)(struct sasl *s, struct str data);
	enum sasl_step (*found)(struct sasl *s);
	enum sasl_step (*derived)(struct sasl *s);                /* NULL: no STEP_DERIVE */
	enum sasl_step (*final)(struct sasl *s, struct str data); /* NULL: no second message */
};

enum sasl_step sasl_plain_first(struct sasl *s, struct str data);
enum sasl_step sasl_plain_found(struct sasl *s);
enum sasl_step sasl_plain_derived(struct sasl *s);

enum sasl_step sasl_external_first(struct sasl *s, struct str data);
enum sasl_step sasl_external_found(struct sasl *s);

enum sasl_step sasl_scram_first(struct sasl *s, struct str data);
enum sasl_step sasl_scram_found(struct sasl *s);
enum sasl_step sasl_scram_final(struct sasl *s, struct str data);

/* For their use: */
enum sasl_step sasl_fail(struct sasl *s, enum sasl_condition why);
/* Takes the names that the client gives: authcid must be a user name, authzid empty or the same
 * account. SASL_NONE, or what is wrong. */
enum sasl_condition sasl_identify(struct sasl *s, struct str authcid, struct str authzid);
