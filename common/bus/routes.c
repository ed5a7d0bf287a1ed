/* The routing table that the router pushes: which endpoint serves an address (DESIGN.md §2). A name is served by the
 * role of its own entry; the entry with the empty name serves all others. Whoever has shards gets the same address
 * always in the same one. */
#include <sodium.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bus/bus_private.h"

static int
route_compare(const void *a, const void *b)
{
	return str_cmp(((const struct rec_route *)a)->domain, ((const struct rec_route *)b)->domain);
}

/* The names are kept in one buffer, so the table is filled in two passes. */
void
bus_routes_take(struct bus *b, struct bus_list list)
{
	struct bus_list it = list;
	struct rec_route r;
	bus_routes_free(b);
	while (bus_list_next(&it, &bus_record_route, &r))
		buf_add_str(&b->routes_names, r.domain);
	b->routes = mem_new_array(list.count, sizeof(*b->routes));
	const char *name = buf_str(&b->routes_names).p;
	while (bus_list_next(&list, &bus_record_route, &r)) {
		r.domain.p = name;
		if (r.domain.n > 0)
			name += r.domain.n;
		b->routes[b->n_routes++] = r;
	}
	qsort(b->routes, b->n_routes, sizeof(*b->routes), route_compare);
}

void
bus_routes_free(struct bus *b)
{
	free(b->routes);
	b->routes = NULL;
	b->n_routes = 0;
	buf_deinit(&b->routes_names);
}

static const struct rec_route *
route_find(const struct bus *b, struct str domain)
{
	const struct rec_route key = {.domain = domain};
	if (!b->routes)
		return NULL;
	return bsearch(&key, b->routes, b->n_routes, sizeof(key), route_compare);
}

/* SipHash with a fixed key: all processes must agree, and it is spread well. */
unsigned
bus_shard(struct str bare, unsigned shards)
{
	static const unsigned char key[crypto_shorthash_KEYBYTES] = "jackdaw shards.";
	unsigned char h[crypto_shorthash_BYTES];
	uint32_t v = 0;
	if (shards < 2)
		return 0;
	crypto_shorthash(h, (const unsigned char *)bare.p, bare.n, key);
	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | h[i];
	return v % shards;
}

bool
bus_route(const struct bus *b, const struct jid *to, struct endpoint *endpoint_r)
{
	const struct rec_route *r = route_find(b, to->domain);
	if (!r)
		r = route_find(b, S(""));
	if (!r || r->instances == 0)
		return false;
	*endpoint_r = (struct endpoint){
	    .role = (enum role)r->role,
	    .instance =
		(uint8_t)bus_shard(r->role == ROLE_SESSIOND ? to->bare : to->domain, r->instances),
	};
	return true;
}

bool
bus_is_local_domain(const struct bus *b, struct str domain)
{
	const struct rec_route *r = route_find(b, domain);
	return r && domain.n > 0 && r->role == ROLE_SESSIOND;
}

unsigned
bus_shards(const struct bus *b)
{
	for (uint32_t i = 0; i < b->n_routes; i++)
		if (b->routes[i].role == ROLE_SESSIOND)
			return b->routes[i].instances;
	return 0;
}
