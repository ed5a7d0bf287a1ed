/* What c2sd.conf can say. Defaults and bounds are in settings.c. */
#pragma once

#include "edge/door.h"
#include "edge/limits.h"
#include "edge/listeners.h"
#include "edge/shape.h"
#include "edge/texts.h"
#include "service/service.h"

enum listener_tls {
	LISTENER_REQUIRED, /* STARTTLS, and nothing before it */
	LISTENER_OPTIONAL, /* STARTTLS offered; SCRAM may be used without */
	LISTENER_DIRECT,   /* TLS from the first byte (XEP-0368) */
};

struct c2sd_settings {
	struct setting_sections listeners;
	struct setting_strings mechanisms;
	const char *client_ca_file, *client_crl_file;
	bool forgive_unknown_binding;
	int language; /* enum lang */
	struct door_settings door;
	struct element_limits stranger, stanza;
	struct shape_rate rate;
	int64_t tls_seconds, preauth_seconds, idle_seconds, dead_seconds, linger_seconds;
	int64_t auth_failures, bind_failures, away_bytes, out_bytes;
};

extern const struct setting c2sd_settings_table[];
int c2sd_check(const struct daemon *d, const void *settings, struct err *err);
/* The listeners in force: those of the settings, or the two usual ones. */
struct listeners c2sd_listeners(const struct daemon *d);
void c2sd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);
