/* The router: connects the daemons of the suite and enforces who may send what to whom. */
#include "router.h"

static const struct service router = {
    .name = "router",
    .role = ROLE_ROUTER,
    .summary = "connects the daemons of the suite and enforces who may send what to whom",
    .settings = router_settings,
    .settings_size = sizeof(struct router_settings),
    .check = router_check,
    .sandbox = &router_sandbox,
    .open = router_open,
    .start = router_start,
    .reloaded = router_reloaded,
    .stop = router_stop,
};

int
main(int argc, char **argv)
{
	return service_main(&router, argc, argv);
}
