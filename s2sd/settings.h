/* What s2sd.conf can say. Defaults and bounds are in settings.c. */
#pragma once

#include "edge/door.h"
#include "edge/limits.h"
#include "edge/listeners.h"
#include "edge/shape.h"
#include "policy.h"
#include "service/service.h"

enum listener_tls {
	LISTENER_STARTTLS,
	LISTENER_DIRECT, /* TLS from the first byte (XEP-0368) */
};

/* A domain of ours ("local") or of somebody else ("remote"): what holds for it alone. */
struct domain_settings {
	const char *title; /* the domain, or "#xmpp#" and the domain */
	int policy;        /* 0: as elsewhere; else 1 + enum policy */
	bool incoming, outgoing;
	const char *secret; /* local only */
};

struct s2sd_settings {
	struct setting_sections listeners, locals, remotes;
	bool shared_listeners;
	struct setting_strings routes, allow, deny;
	int policy; /* enum policy */
	bool dialback;
	const char *dialback_secret, *resolver, *trust_anchor, *ca_file, *crl_file;
	struct door_settings door;
	struct element_limits stranger, stanza;
	struct shape_rate rate;
	int64_t tls_seconds, preauth_seconds, setup_ms, idle_seconds, ack_seconds, linger_seconds,
	    queue_seconds;
	int64_t live_ms, queue_bytes, queues_bytes;
	int64_t out_bytes;
};

/* The domain that the title of a section means, prepared or not (M-04). */
struct str policy_title(const char *title);

extern const struct setting s2sd_settings_table[];
int s2sd_check(const struct daemon *d, const void *settings, struct err *err);
/* The listeners in force: those of the settings, or the two usual ones. */
struct listeners s2sd_listeners(const struct daemon *d);
void s2sd_print_listeners(const struct daemon *d,
    void (*add)(void *ctx, const char *name, const char *address, uint16_t port), void *ctx);
