/* The daemons of the suite in the order of their start: the one place where a new daemon is entered. */
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "bus/role.h"

#define PROGRAM_INSTANCES_MAX 256

struct ctl;

struct program {
	const char *name; /* "c2sd" */
	enum role role;
	bool is_linked;    /* has a link to the router */
	bool listens;      /* has listeners of its own: asked with -L */
	bool uses_domains; /* wants to know when the list of domains changes */
	bool has_secrets;  /* in its settings file, which is its user's alone */
};

/* Up to an entry without a name. */
extern const struct program programs[];

/* NULL: there is none. */
const struct program *program_find(struct str name);
const struct program *program_of(enum role role);
/* How many run, by jackdaw.conf. */
unsigned program_instances(const struct program *p, const struct ctl *ctl);
/* "c2sd.0" */
void program_instance_name(const struct program *p, unsigned instance, char *out, size_t cap);
/* "c2sd", "c2sd.1": the program, and the instance or -1 for all. NULL: there is no such daemon. */
const struct program *program_parse(struct str name, const struct ctl *ctl, int *instance_r);
