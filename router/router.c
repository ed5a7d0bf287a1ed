/* The router's part of process life: a door per role before the sandbox, the hub behind it, the routing table at
 * start and at each reload. */
#include "router.h"

#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define ROUTES_MAX 4096

static const enum role roles[] = {
    ROLE_C2SD, ROLE_S2SD, ROLE_COMPONENTD, ROLE_SESSIOND, ROLE_AUTHD, ROLE_STORAGED, ROLE_CTL};

/* d->state */
struct router {
	struct hub *hub;
	struct {
		int fd; /* until the hub has it */
		struct door_rule rule;
	} doors[COUNT(roles)];
};

/* No keys: only the end. */
const struct setting router_settings[1];

const struct sandbox router_sandbox = {
    .accept = true,
    .max_files = 1024,
};

/* All routes must fit into one frame, with room for the list of peers. */
int
router_check(const struct daemon *d, const void *settings, struct err *err)
{
	struct msg_ROUTES msg = {0};
	struct rec_route *routes;
	(void)settings;
	msg.routes.count = table_of_suite(&d->suite, &routes);
	msg.routes.items = routes;
	bool fits = msg.routes.count <= ROUTES_MAX &&
	    bus_size(bus_message(MSG_ROUTES), &msg) < BUS_FRAME_MAX / 2;
	free(routes);
	return fits ? 0 : err_set(err, "too many domains and components: at most %d", ROUTES_MAX);
}

static gid_t
admin_group(const struct suite *s)
{
	if (!s->admin_group || !s->admin_group[0])
		return (gid_t)-1;
	const struct group *g = getgrnam(s->admin_group);
	if (!g)
		log_warn("there is no group %s: only root and the suite's owner may administer",
		    s->admin_group);
	return g ? g->gr_gid : (gid_t)-1;
}

static struct door_rule
rule_for(const struct daemon *d, enum role role)
{
	struct door_rule rule = {.role = role, .uid = service_role_uid(d, role), .group = (gid_t)-1};
	if (role == ROLE_CTL) {
		/* who starts the suite owns it */
		rule.uid = getuid();
		rule.operators = true;
		rule.group = admin_group(&d->suite);
	} else if (rule.uid == (uid_t)-1) {
		rule.uid = getuid();
	}
	return rule;
}

/* jackdawctl's socket, where an admin_group is set, is that group's too. Only its members notice when that fails: systemd has
 * made the socket, say. */
static void
router_share(struct daemon *d, const struct router *r)
{
	struct err err;

	for (size_t i = 0; i < COUNT(roles); i++)
		if (r->doors[i].rule.group != (gid_t)-1 &&
		    service_share_unix(d, roles[i], "router.sock", r->doors[i].rule.group, &err) != 0)
			log_warn("admin_group: %s", err.text);
}

int
router_open(struct daemon *d, struct err *err)
{
	struct router *r = NEW(struct router);
	d->state = r;
	for (size_t i = 0; i < COUNT(roles); i++)
		r->doors[i].fd = -1;
	for (size_t i = 0; i < COUNT(roles); i++) {
		r->doors[i].rule = rule_for(d, roles[i]);
		r->doors[i].fd = service_listen_unix(d, roles[i], "router.sock", SOCK_STREAM, err);
		if (r->doors[i].fd < 0)
			return -1;
	}
	router_share(d, r);
	return 0;
}

static void
router_push_routes(struct daemon *d)
{
	struct router *r = d->state;
	struct rec_route *routes;
	uint32_t n = table_of_suite(&d->suite, &routes);
	hub_set_routes(r->hub, routes, n);
	free(routes);
}

int
router_start(struct daemon *d, struct err *err)
{
	struct router *r = d->state;
	(void)err;
	r->hub = hub_new(d->loop);
	router_push_routes(d);
	for (size_t i = 0; i < COUNT(roles); i++) {
		hub_open_door(r->hub, r->doors[i].fd, &r->doors[i].rule);
		r->doors[i].fd = -1;
	}
	return 0;
}

void
router_reloaded(struct daemon *d, const void *old)
{
	(void)old;
	router_push_routes(d);
}

void
router_stop(struct daemon *d)
{
	struct router *r = d->state;
	if (!r)
		return;
	hub_free(&r->hub);
	for (size_t i = 0; i < COUNT(roles); i++)
		if (r->doors[i].fd >= 0)
			close(r->doors[i].fd);
	free(r);
	d->state = NULL;
}
