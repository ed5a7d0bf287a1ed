/* For the tests of dialing: a dialer with a DNS server of its own on one loop, and sockets on loopback. */
#pragma once

#include "dial.h"
#include "dialer.h"
#include "zone.h"

#define DIRECT "_xmpps-server._tcp.a.example"
#define STARTTLS "_xmpp-server._tcp.a.example"

enum outcome {
	NOTHING,
	OPENED,
	FAILED,
};

/* What has become of a dial. */
struct seen {
	struct loop *loop;
	struct dial **free_in_event;
	enum outcome outcome;
	struct dial_target target;
	enum dial_error error;
	char step[256];
	unsigned times;
};

extern struct loop *loop;
extern struct zone *zone;
extern struct dialer *dialer;
extern struct seen seen; /* of the last dial */
extern const struct dial_events rig_events;

/* Set-ups of cmocka: as usual; with 300 ms for a dial; with failures remembered. */
int set_up(void **state);
int set_up_impatient(void **state);
int set_up_remembering(void **state);
int tear_down(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Runs the loop until an event of `seen`. */
void wait_for_event(void);
/* Dials, and waits for the first event; the caller frees it. */
struct dial *dial(const char *domain);
void dial_once(const char *domain);
void assert_open(const char *address, uint16_t port);
void assert_failed(enum dial_error error, const char *words);

/* A socket that is bound; its port. The test is skipped when there is no such family. */
int bound(const char *address, uint16_t *port_r);
int listening(const char *address, uint16_t *port_r);

/* A port where nobody answers: its queue is full, and the kernel drops what comes. */
struct silent {
	int fd, filler[8];
};
void silent_start(struct silent *s, const char *address, uint16_t *port_r);
void silent_stop(struct silent *s);
