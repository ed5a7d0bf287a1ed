/* The routing table from jackdaw.conf: user domains to sessiond, components' names to componentd, everything else to
 * s2sd if there is one. */
#include "base/mem.h"
#include "router.h"

static struct rec_route
table_entry(const char *domain, enum role role, unsigned instances)
{
	return (struct rec_route){
	    .domain = str_z(domain),
	    .role = (uint8_t)role,
	    .instances = (uint8_t)instances,
	};
}

uint32_t
table_of_suite(const struct suite *s, struct rec_route **routes_r)
{
	struct rec_route *routes =
	    mem_new_array(s->n_domains + s->n_components + 1, sizeof(*routes));
	uint32_t n = 0;
	for (size_t i = 0; i < s->n_domains; i++)
		routes[n++] = table_entry(s->domains[i], ROLE_SESSIOND, s->n_sessiond);
	for (size_t i = 0; i < s->n_components; i++)
		routes[n++] = table_entry(s->components[i], ROLE_COMPONENTD, 1);
	if (s->n_s2sd > 0)
		routes[n++] = table_entry("", ROLE_S2SD, s->n_s2sd);
	*routes_r = routes;
	return n;
}
