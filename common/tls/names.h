/* The names in a certificate, and whether one is a domain's; inside common/tls, and for those that tell the operator about them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CERT_NAMES_MAX 256 /* of a certificate; one with more has none */

enum cert_name_kind {
	CERT_DNS,  /* "example.org", "*.example.org" */
	CERT_SRV,  /* "_xmpp-server.example.org" */
	CERT_XMPP, /* "example.org", UTF-8 */
	CERT_IP,   /* 4 or 16 bytes */
};

struct cert_name {
	enum cert_name_kind kind;
	struct str text; /* as it stands there: any byte is possible */
};

struct cert_names {
	struct cert_name *v;
	size_t n;
	struct arena arena;
};

/* Only the subject's alternative names; without any: n is 0. -1 with *err when it is no certificate or has too many. */
int cert_names_read(struct cert_names *names, struct str der, struct err *err);
void cert_names_deinit(struct cert_names *names);

/* Whether they say `domain` (prepared; a name, an IPv4 address, or an IPv6 address in brackets) offers the XMPP service for
 * servers. A wildcard stands for the whole left-most label of a DNS-ID, with two labels behind it at least. */
bool cert_names_have(const struct cert_names *names, struct str domain);
