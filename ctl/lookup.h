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
	char why[80];
	struct {
		char text[DNS_NAME_MAX + 32]; /* "192.0.2.1", "5 0 5222 chat.example.org" */
		char target[DNS_NAME_MAX];    /* of an SRV; "": there is no service */
		unsigned port;
	} records[LOOKUP_RECORDS_MAX];
	size_t n;
};

/* resolver: as struct dns_settings. NULL with *err. */
struct dns *lookup_open(const char *resolver, struct err *err);
/* Asks all n and waits until they are answered, 10 s at most: what is not answered then is DNS_BROKEN. */
void lookup_all(struct dns *dns, struct question *q, size_t n);
