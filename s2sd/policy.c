/* See policy.h. */
#include "policy.h"

#include "settings.h"

static const struct domain_settings *
find(const struct setting_sections *sections, struct str domain)
{
	const struct domain_settings *d = sections->v;
	struct jid_buf buf;
	struct str name;

	for (size_t i = 0; i < sections->n; i++)
		if (jid_prepare_domain(&name, &buf, policy_title(d[i].title)) && str_eq(name, domain))
			return &d[i];
	return NULL;
}

enum policy
policy_of(const struct s2sd_settings *s, struct str local, struct str remote)
{
	const struct domain_settings *d = find(&s->remotes, remote);

	if (d && d->policy > 0)
		return (enum policy)(d->policy - 1);
	d = find(&s->locals, local);
	if (d && d->policy > 0)
		return (enum policy)(d->policy - 1);
	return (enum policy)s->policy;
}

static bool
entry_matches(struct str entry, struct str domain)
{
	struct jid_buf buf;
	struct str name;
	bool is_below = str_starts(entry, S("*."));

	if (!jid_prepare_domain(&name, &buf, is_below ? str_from(entry, 2) : entry))
		return false;
	if (!is_below)
		return str_eq(name, domain);
	return domain.n > name.n + 1 && domain.p[domain.n - name.n - 1] == '.' &&
	    str_ends(domain, name);
}

static bool
is_in(const struct setting_strings *list, struct str domain)
{
	for (size_t i = 0; i < list->n; i++)
		if (entry_matches(str_z(list->v[i]), domain))
			return true;
	return false;
}

static bool
is_admitted(const struct s2sd_settings *s, struct str remote)
{
	if (is_in(&s->deny, remote))
		return false;
	return s->allow.n == 0 || is_in(&s->allow, remote);
}

bool
policy_serves(const struct s2sd_settings *s, struct str local)
{
	const struct domain_settings *d = find(&s->locals, local);

	return !d || d->incoming;
}

bool
policy_sends_from(const struct s2sd_settings *s, struct str local)
{
	const struct domain_settings *d = find(&s->locals, local);

	return !d || d->outgoing;
}

bool
policy_admits(const struct s2sd_settings *s, struct str remote)
{
	const struct domain_settings *d = find(&s->remotes, remote);

	return is_admitted(s, remote) && (!d || d->incoming);
}

bool
policy_sends_to(const struct s2sd_settings *s, struct str remote)
{
	const struct domain_settings *d = find(&s->remotes, remote);

	return is_admitted(s, remote) && (!d || d->outgoing);
}

struct str
policy_secret(const struct s2sd_settings *s, struct str local)
{
	const struct domain_settings *d = find(&s->locals, local);

	return str_z(d && d->secret[0] ? d->secret : s->dialback_secret);
}
