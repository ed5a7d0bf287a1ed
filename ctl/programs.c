/* See programs.h. */
#include "programs.h"

#include <stdio.h>

#include "base/mem.h"
#include "ctl.h"

const struct program programs[] = {
    {.name = "keyd", .role = ROLE_KEYD, .uses_domains = true},
    {.name = "storaged", .role = ROLE_STORAGED, .is_linked = true},
    {.name = "authd", .role = ROLE_AUTHD, .is_linked = true, .uses_domains = true},
    {.name = "router", .role = ROLE_ROUTER, .uses_domains = true},
    {.name = "sessiond", .role = ROLE_SESSIOND, .is_linked = true, .uses_domains = true},
    {.name = "c2sd", .role = ROLE_C2SD, .is_linked = true, .listens = true, .uses_domains = true},
    {.name = "componentd",
	.role = ROLE_COMPONENTD,
	.is_linked = true,
	.listens = true,
	.uses_domains = true,
	.has_secrets = true},
    {.name = "s2sd",
	.role = ROLE_S2SD,
	.is_linked = true,
	.listens = true,
	.uses_domains = true,
	.has_secrets = true},
    {.name = NULL},
};

const struct program *
program_find(struct str name)
{
	for (const struct program *p = programs; p->name; p++)
		if (str_is(name, p->name))
			return p;
	return NULL;
}

const struct program *
program_of(enum role role)
{
	for (const struct program *p = programs; p->name; p++)
		if (p->role == role)
			return p;
	bug("no program has the role %s", role_name(role));
}

unsigned
program_instances(const struct program *p, const struct ctl *ctl)
{
	if (!ctl->file) /* jackdaw.conf is broken: what has to work all the same takes the usual number */
		return p->role != ROLE_S2SD;
	if (p->role == ROLE_C2SD)
		return ctl->suite.n_c2sd;
	if (p->role == ROLE_S2SD)
		return ctl->suite.n_s2sd;
	if (p->role == ROLE_SESSIOND)
		return ctl->suite.n_sessiond;
	return 1;
}

void
program_instance_name(const struct program *p, unsigned instance, char *out, size_t cap)
{
	snprintf(out, cap, "%s.%u", p->name, instance);
}

const struct program *
program_parse(struct str name, const struct ctl *ctl, int *instance_r)
{
	struct str head, number;
	uint64_t n;
	bool has_number = str_split(name, '.', &head, &number);
	const struct program *p = program_find(head);

	if (!p)
		return NULL;
	if (!has_number) {
		*instance_r = -1;
		return p;
	}
	if (!str_u64(number, &n) || n >= program_instances(p, ctl))
		return NULL;
	*instance_r = (int)n;
	return p;
}
