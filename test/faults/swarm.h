/* What the parts of the swarm share: its members, and what is asked of them. The connections are test/bench's. */
#ifndef FAULTS_SWARM_H
#define FAULTS_SWARM_H

#include "ledger.h"
#include "load.h"

/* What a stanza that is kept until it is acknowledged was; 0 and above: the message of that number */
#define KEPT_PRESENCE (-1)
#define KEPT_PREFS (-2)
#define KEPT_PAGE (-3)

struct member {
	struct ledger ledger; /* from it to its peer */
	/* Sent in this session and not acknowledged: from number kept_from on. */
	int64_t *kept;
	uint32_t kept_from, kept_n, kept_cap;
	uint64_t retry_ns; /* when to connect (again); 0: connected */
	uint64_t since_ns; /* since when it waits for the server: to connect, to acknowledge, to close */
	uint64_t awake_ns;   /* since when its session is there for others */
	uint64_t turn_ns;    /* when it logs off or on; 0: it never does */
	unsigned failures;   /* to connect, in a row */
	bool asleep, is_new; /* logged off; has never been there */
	bool archive, filed; /* has one; it has been read */
	char page[128];      /* the last one's last message */
};

struct swarm {
	struct load load;
	struct member *members;
	bool talking, reading, is_ending;
	double sleepers;     /* share of the clients that log off and on */
	unsigned patience;   /* seconds: what is not back or not settled by then counts as lost */
	unsigned unfinished; /* things that were waited for in vain at the end */
	uint64_t next_due_ns, scheduled;
	uint64_t sessions_lost, bounces, drops;
	struct violations violations;

	/* the fault that is being looked at */
	char fault[64];
	uint64_t fault_ns, bad_ns, pause_ns, until_ns;
	unsigned resumed;
};

extern struct swarm swarm;
extern const struct mode member_mode;

struct member *member_of(const struct client *c);
struct client *client_of(const struct member *m);
struct member *peer_of(const struct member *m);
bool member_is_ready(const struct member *m);
void member_talk(struct member *m, uint64_t due_ns);
/* What is due by now: connecting again, logging off and on */
void member_turn(struct member *m, uint64_t now_ns);
/* A fault begins. */
void member_fault(struct member *m, uint64_t now_ns);
void member_wake(struct member *m);
void member_read_archive(struct member *m);

#endif
