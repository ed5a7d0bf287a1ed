/* Questions to the DNS, asked together and waited for. */
#pragma once

#include "dns/dns.h"

#define LOOKUP_RECORDS_MAX 16

struct question {
	char name[DNS_NAME_MAX + 32];
	enum dns_type type;
	/* The answer. */
	bool is_answered;
	enum dns_status status;
	bool is_secure; /* DNSSEC vouches for it */
	char why[80];
	struct {
		char text[DNS_NAME_MAX + 32]; /* "192.0.2.1", "5 0 5222 chat.example.org", "3 1 1 0123…" */
		char target[DNS_NAME_MAX]; /* of an SRV; "": there is no service */
		unsigned port;
	} records[LOOKUP_RECORDS_MAX];
	size_t n;
};

/* As struct dns_settings, the anchor "none" for none. NULL with *err. */
struct dns *lookup_open(const char *resolver, const char *trust_anchor, struct err *err);
/* Asks all n and waits until they are answered, 10 s at most: what is not answered then is DNS_BROKEN. */
void lookup_all(struct dns *dns, struct question *q, size_t n);
