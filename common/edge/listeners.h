/* What the settings of an edge say of its listening sockets. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "service/service.h"
#include "service/settings.h"

#define LISTENERS_MAX 32 /* as many as the supervisor passes */

/* Of a section "listener"; the daemon's table says which of these can be set. */
struct listener_settings {
	const char *title; /* also the name under which the supervisor passes the socket */
	const char *address;
	int64_t port;
	int tls; /* the daemon's enum listener_tls */
	struct setting_strings allow;
};

struct listeners {
	struct listener_settings v[LISTENERS_MAX]; /* strings are the settings' */
	unsigned n;
};

/* Sections of the settings, or, without any, the usual ones; ports as they are bound. */
struct listeners listeners_in_force(const struct daemon *d, const struct setting_sections *sections,
    const struct listener_settings *usual, size_t n_usual);
/* For the daemon's print_listeners. */
void listeners_print(const struct listeners *l,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);
/* For the check of the settings: not too many, and no port over 65535. Returns 0, or -1 with the reason in err. */
int listeners_check(
    const struct daemon *d, const struct setting_sections *sections, struct err *err);
