/* What componentd.conf can say. Defaults and bounds are in settings.c. */
#pragma once

#include "edge/door.h"
#include "edge/limits.h"
#include "edge/listeners.h"
#include "service/service.h"

enum listener_tls {
	LISTENER_CLEAR,
	LISTENER_DIRECT, /* TLS from the first byte */
};

/* What becomes of a second connection for a name (F-27). */
enum conflict {
	CONFLICT_REFUSE_NEW,
	CONFLICT_KICK_OLD,
	CONFLICT_SHARE, /* both serve it */
	CONFLICT_USUAL, /* of a component: what holds for all */
};

struct component_settings {
	const char *title;  /* its name */
	const char *secret; /* "": the one of all */
	int conflict;
	bool validate_from;
};

struct componentd_settings {
	struct setting_sections listeners, components;
	const char *secret; /* of components without their own; "": they cannot connect */
	int conflict;
	struct door_settings door;
	struct element_limits stanza;
	int64_t preauth_bytes;
	int64_t handshake_seconds, keepalive_seconds, linger_seconds, wait_seconds;
	int64_t queue_bytes, queues_bytes;
};

extern const struct setting componentd_settings_table[];
int componentd_check(const struct daemon *d, const void *settings, struct err *err);
/* The listeners in force: those of the settings, or the usual ones. */
struct listeners componentd_listeners(const struct daemon *d);
void componentd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);
/* The section of a component; NULL: it has none. */
const struct component_settings *settings_of_component(
    const struct componentd_settings *s, struct str name);
