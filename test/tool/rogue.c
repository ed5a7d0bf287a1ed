/* A daemon that somebody has taken over, mostly c2sd: linked to the router of a running suite as its own user, it tries one thing that it must not
 * and prints what came of it, a word per line: the names of the messages that it got, `closed` when its link was closed, `open` at
 * the end when it was not.
 *
 *   rogue SOCKET UID SCENARIO [ARGUMENT…]      as the role whose folder the socket lies in
 *   rogue SOCKET UID garbage ROLE      as that role: each message that it may send to somebody who is there, with a body that is
 *                                      none, and what no router takes; a link for each, and a line "NAME RECEIVER closed" or "… open"
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "bus/frame.h"

#define INSTANCE 7
#define QUIET_MS 1500  /* nothing came for so long: that was all */
#define GARBAGE_MS 500 /* the same, for each piece of garbage */

struct rogue {
	int fd;
	enum role role;
	uint64_t inc;
	uint64_t seq[ROLE_COUNT];
	uint64_t peers[ROLE_COUNT]; /* incarnations of instance 0 */
	struct frame_cutter cutter;
	char **args;
	bool is_closed;
	bool quiet; /* says not what it gets */
};

/* ---- frames ---- */

static void
send_bytes(struct rogue *r, struct str s)
{
	if (send(r->fd, s.p, s.n, MSG_NOSIGNAL) < 0)
		r->is_closed = true;
}

static struct frame
header_to(struct rogue *r, enum role to)
{
	return (struct frame){.src = frame_endpoint(r->role, INSTANCE),
	    .src_inc = r->inc,
	    .dst = frame_endpoint(to, 0),
	    .dst_inc = r->peers[to]};
}

static void
send_message(struct rogue *r, enum role to, enum msg_type type, const void *msg)
{
	struct buf b = {.data = NULL};
	struct frame f = header_to(r, to);

	if (bus_message(type)->level)
		f.seq = ++r->seq[to];
	f.floor = 1;
	frame_add_message(&b, &f, bus_message(type), msg);
	send_bytes(r, buf_str(&b));
	buf_deinit(&b);
}

static void
note_peer(struct rogue *r, const struct rec_endpoint_is *p)
{
	if (p->instance == 0)
		r->peers[p->role] = p->incarnation;
}

static bool
on_frame(void *ctx, const struct frame *f)
{
	struct rogue *r = ctx;
	const struct bus_message *m = bus_message(f->type);

	if (f->type == MSG_WELCOME) {
		struct msg_WELCOME w;
		struct rec_endpoint_is p;

		if (bus_decode(m, f->body, &w))
			while (bus_list_next(&w.peers, &bus_record_endpoint_is, &p))
				note_peer(r, &p);
	} else if (!r->quiet && f->type != MSG_ACK && f->type != MSG_PEER_UP &&
	    f->type != MSG_PEER_DOWN) {
		printf("%s\n", m->body.name);
	}
	return true;
}

/* Reads until it has been quiet for a while, or closed. */
static void
listen_for_a_while(struct rogue *r, int quiet_ms)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	char bytes[65536];
	const char *error;

	while (!r->is_closed && poll(&p, 1, quiet_ms) > 0) {
		ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);

		if (n <= 0)
			r->is_closed = true;
		else
			frame_cut(&r->cutter, str_of(bytes, (size_t)n), on_frame, r, &error);
	}
}

/* ---- scenarios ---- */

static void
stanza_of(struct rogue *r, const char *from)
{
	struct msg_STANZA m = {.conn = strtoull(r->args[0], NULL, 10),
	    .n = 1,
	    .st = {.kind = STANZA_MESSAGE,
		.type = TYPE_CHAT,
		.from = str_z(from),
		.to = str_z(r->args[1]),
		.payload = S("<body>forged</body>"),
		.facts = FACT_BODY}};

	send_message(r, ROLE_SESSIOND, MSG_STANZA, &m);
}

/* sessiond hears an edge only after it has said which sessions it has: none. */
static void
register_nothing(struct rogue *r)
{
	struct msg_REG_END end = {.count = 0};

	send_message(r, ROLE_SESSIOND, MSG_REG_END, &end);
}

/* rogue … handle CONN TO: the connection number of another c2sd's client. */
static void
foreign_handle(struct rogue *r)
{
	register_nothing(r);
	stanza_of(r, "");
}

/* rogue … from CONN TO FROM: says itself who it is. */
static void
foreign_from(struct rogue *r)
{
	register_nothing(r);
	stanza_of(r, r->args[2]);
}

/* rogue … ticket JID: a session without having logged in. */
static void
bind_without_ticket(struct rogue *r)
{
	struct msg_BIND m = {
	    .req = 1, .conn = 1, .ticket = id_random(), .jid = str_z(r->args[0]), .resource = S("x")};

	register_nothing(r);
	send_message(r, ROLE_SESSIOND, MSG_BIND, &m);
}

static void
register_with(struct rogue *r, struct str capability)
{
	struct msg_REG m = {.conn = 1,
	    .session = {.sid = id_random(),
		.jid = str_z(r->args[0]),
		.epoch = 1,
		.capability = capability,
		.k = 0}};
	struct msg_REG_END end = {.count = 1};

	send_message(r, ROLE_SESSIOND, MSG_REG, &m);
	send_message(r, ROLE_SESSIOND, MSG_REG_END, &end);
}

/* rogue … reg FULL-JID, rogue … reg-forged FULL-JID: registers a session as after a restart of sessiond. */
static void
reg_without_capability(struct rogue *r)
{
	register_with(r, S(""));
}

static void
reg_with_forged_capability(struct rogue *r)
{
	uint8_t mac[32];

	id_random_bytes(mac, sizeof(mac));
	register_with(r, str_of(mac, sizeof(mac)));
}

/* A verb of the operator's, and one of sessiond's. */
static void
add_user(struct rogue *r)
{
	struct msg_USER_ADD m = {.req = 1, .jid = S("mallory@localhost"), .password = S("x")};

	send_message(r, ROLE_AUTHD, MSG_USER_ADD, &m);
}

static void
read_roster(struct rogue *r)
{
	struct msg_ROSTER_GET m = {.req = 1, .owner = S("alice@localhost")};

	send_message(r, ROLE_STORAGED, MSG_ROSTER_GET, &m);
}

static void
redeem(struct rogue *r)
{
	struct msg_REDEEM m = {.req = 1, .ticket = id_random(), .conn = 1};

	send_message(r, ROLE_AUTHD, MSG_REDEEM, &m);
}

/* As sessiond: what clients are told. */
static void
deliver(struct rogue *r)
{
	struct rec_target target = {.conn = 1, .k = 1};
	struct msg_DELIVER m = {
	    .targets = {.items = &target, .count = 1}, .st = {.kind = STANZA_MESSAGE}};

	send_message(r, ROLE_C2SD, MSG_DELIVER, &m);
}

static void
send_wrong_body(struct rogue *r, enum role to, const struct bus_message *m)
{
	struct buf b = {.data = NULL};
	struct frame f = header_to(r, to);

	f.type = m->type;
	f.level = m->level;
	f.seq = f.floor = m->level ? 1 : 0;
	frame_add_header(&b, &f, 1);
	buf_add_z(&b, "?");
	send_bytes(r, buf_str(&b));
	buf_deinit(&b);
}

/* rogue … route FROM TO: a stanza from elsewhere. */
static void
route(struct rogue *r)
{
	struct msg_ROUTE m = {.st = {.kind = STANZA_MESSAGE,
				  .type = TYPE_CHAT,
				  .from = str_z(r->args[0]),
				  .to = str_z(r->args[1]),
				  .payload = S("<body>forged</body>"),
				  .facts = FACT_BODY}};

	send_message(r, ROLE_SESSIOND, MSG_ROUTE, &m);
}

static void
malformed_body(struct rogue *r)
{
	send_wrong_body(r, ROLE_SESSIOND, bus_message(MSG_STANZA));
}

static void
impossible_length(struct rogue *r)
{
	uint32_t length = UINT32_MAX;

	send_bytes(r, str_of(&length, sizeof(length)));
	send_bytes(r, S("0123456789012345678901234567890123456789012345678901234567890123456789"));
}

static const struct scenario {
	const char *name;
	int n_args;
	void (*run)(struct rogue *r);
} SCENARIOS[] = {
    {"handle", 2, foreign_handle},
    {"from", 3, foreign_from},
    {"ticket", 1, bind_without_ticket},
    {"reg", 1, reg_without_capability},
    {"reg-forged", 1, reg_with_forged_capability},
    {"user-add", 0, add_user},
    {"roster", 0, read_roster},
    {"redeem", 0, redeem},
    {"deliver", 0, deliver},
    {"route", 2, route},
    {"malformed", 0, malformed_body},
    {"length", 0, impossible_length},
};

/* ---- the link ---- */

static void
dial(struct rogue *r, const char *socket_path, const char *uid)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	uid_t id = (uid_t)strtoul(uid, NULL, 10);

	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!str_copy(to.sun_path, sizeof(to.sun_path), str_z(socket_path)) ||
	    (geteuid() == 0 && id != 0 &&
		(setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)) ||
	    connect(r->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror(socket_path);
		exit(2);
	}
}

static void
greet(struct rogue *r)
{
	struct msg_HELLO hello = {bus_schema_hash(), (uint8_t)r->role, INSTANCE, r->inc};
	struct frame f = {.src = frame_endpoint(r->role, INSTANCE), .src_inc = r->inc};
	struct buf b = {.data = NULL};

	frame_add_message(&b, &f, bus_message(MSG_HELLO), &hello);
	send_bytes(r, buf_str(&b));
	buf_deinit(&b);
	listen_for_a_while(r, 300);
}

/* ---- garbage ---- */

/* With a new link for each: the one before was closed, most likely. */
static void
begin_again(struct rogue *r, char **argv)
{
	if (r->fd >= 0)
		close(r->fd);
	frame_cutter_deinit(&r->cutter);
	memset(r->peers, 0, sizeof(r->peers));
	r->inc = id_random_u64();
	r->is_closed = false;
	dial(r, argv[1], argv[2]);
	greet(r);
}

static void
tell(struct rogue *r, const char *what, enum role to)
{
	listen_for_a_while(r, GARBAGE_MS);
	printf("%s %s %s\n", what, role_name(to), r->is_closed ? "closed" : "open");
}

static void
garbage_to(struct rogue *r, enum role to, char **argv)
{
	for (unsigned type = 1; type < MSG_TYPE_MAX; type++) {
		const struct bus_message *m = bus_message((enum msg_type)type);

		if (!m || !(m->from & 1u << r->role) || !(m->to & 1u << to))
			continue;
		begin_again(r, argv);
		if (!r->peers[to] && to != ROLE_ROUTER)
			return;
		send_wrong_body(r, to, m);
		tell(r, m->body.name, to);
	}
}

static int
garbage(struct rogue *r, char **argv)
{
	r->quiet = true;
	while (r->role < ROLE_COUNT && strcmp(role_name(r->role), argv[4]) != 0)
		r->role++;
	if (r->role == ROLE_COUNT)
		return 2;
	begin_again(r, argv);
	impossible_length(r);
	tell(r, "length", ROLE_ROUTER);
	for (enum role to = 0; to < ROLE_COUNT; to++)
		garbage_to(r, to, argv);
	return 0;
}

/* …/ROLE/router.sock */
static enum role
role_of(const char *socket_path)
{
	struct str path = str_z(socket_path), name = {.p = NULL}, file;
	enum role role = ROLE_C2SD;

	while (str_split(path, '/', &file, &path))
		name = file;
	role_parse(name, &role);
	return role;
}

int
main(int argc, char **argv)
{
	struct rogue r = {.fd = -1, .role = ROLE_C2SD};

	id_init();
	if (argc == 5 && strcmp(argv[3], "garbage") == 0) {
		r.role = 0;
		return garbage(&r, argv);
	}
	r.inc = id_random_u64();
	for (size_t i = 0; argc >= 4 && i < COUNT(SCENARIOS); i++) {
		if (strcmp(argv[3], SCENARIOS[i].name) != 0 || argc != 4 + SCENARIOS[i].n_args)
			continue;
		r.args = argv + 4;
		r.role = role_of(argv[1]);
		dial(&r, argv[1], argv[2]);
		greet(&r);
		SCENARIOS[i].run(&r);
		listen_for_a_while(&r, QUIET_MS);
		puts(r.is_closed ? "closed" : "open");
		return 0;
	}
	fputs("usage: rogue SOCKET UID SCENARIO [ARGUMENT...]\n", stderr);
	return 2;
}
