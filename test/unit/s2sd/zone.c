/* See zone.h. */
#include "zone.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

#define RECORDS_MAX 512
#define HEADER 12

struct record {
	char name[256];
	unsigned type;
	struct buf data;
	int fault; /* -1: none */
};

struct zone {
	int fd;
	struct loop_watch *watch;
	char resolver[64];
	struct record records[RECORDS_MAX];
	size_t n;
	struct {
		char name[256];
		unsigned type, times;
	} asked[RECORDS_MAX];
	size_t n_asked;
};

static void
put_u16(struct buf *b, unsigned v)
{
	buf_add_u8(b, (uint8_t)(v >> 8));
	buf_add_u8(b, (uint8_t)v);
}

static void
put_name(struct buf *b, const char *name)
{
	struct str rest = str_z(name), label;

	while (rest.n > 0) {
		str_split(rest, '.', &label, &rest);
		buf_add_u8(b, (uint8_t)label.n);
		buf_add_str(b, label);
		if (label.n == 0)
			return; /* "." */
	}
	buf_add_u8(b, 0);
}

static struct record *
add(struct zone *z, const char *name, unsigned type)
{
	struct record *r = &z->records[z->n++];

	if (z->n == RECORDS_MAX)
		bug("too many records");
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->type = type;
	r->fault = -1;
	return r;
}

void
zone_bytes(struct zone *z, const char *name, unsigned type, const void *p, size_t n)
{
	buf_add(&add(z, name, type)->data, p, n);
}

void
zone_a(struct zone *z, const char *name, const char *address)
{
	uint8_t bytes[4];

	if (inet_pton(AF_INET, address, bytes) != 1)
		bug("%s", address);
	zone_bytes(z, name, 1, bytes, sizeof(bytes));
}

void
zone_aaaa(struct zone *z, const char *name, const char *address)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET6, address, bytes) != 1)
		bug("%s", address);
	zone_bytes(z, name, 28, bytes, sizeof(bytes));
}

void
zone_srv(struct zone *z, const char *name, uint16_t priority, uint16_t weight, uint16_t port,
    const char *target)
{
	struct buf *b = &add(z, name, 33)->data;

	put_u16(b, priority);
	put_u16(b, weight);
	put_u16(b, port);
	put_name(b, target);
}

void
zone_fault(struct zone *z, const char *name, unsigned type, enum zone_fault f)
{
	add(z, name, type)->fault = (int)f;
}

static void
count(struct zone *z, const char *name, unsigned type)
{
	for (size_t i = 0; i < z->n_asked; i++)
		if (strcmp(z->asked[i].name, name) == 0 && z->asked[i].type == type) {
			z->asked[i].times++;
			return;
		}
	if (z->n_asked == RECORDS_MAX)
		bug("too many questions");
	snprintf(z->asked[z->n_asked].name, sizeof(z->asked[0].name), "%s", name);
	z->asked[z->n_asked].type = type;
	z->asked[z->n_asked++].times = 1;
}

unsigned
zone_asked(const struct zone *z, const char *name, unsigned type)
{
	for (size_t i = 0; i < z->n_asked; i++)
		if (strcmp(z->asked[i].name, name) == 0 && z->asked[i].type == type)
			return z->asked[i].times;
	return 0;
}

/* The question's name; its length on the wire, 0: malformed. */
static size_t
read_name(char name[256], const uint8_t *p, size_t n)
{
	size_t at = 0, out = 0;

	while (at < n && p[at] != 0 && out + p[at] + 1 < 255 && at + p[at] + 1 < n) {
		if (out > 0)
			name[out++] = '.';
		memcpy(name + out, p + at + 1, p[at]);
		out += p[at];
		at += p[at] + 1u;
	}
	name[out] = '\0';
	for (size_t i = 0; i < out; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] + 32);
	return at < n && p[at] == 0 ? at + 1 : 0;
}

static const struct record *
find_fault(const struct zone *z, const char *name, unsigned type)
{
	for (size_t i = 0; i < z->n; i++)
		if (z->records[i].fault >= 0 && z->records[i].type == type &&
		    strcmp(z->records[i].name, name) == 0)
			return &z->records[i];
	return NULL;
}

static unsigned
put_answers(const struct zone *z, const char *name, unsigned type, struct buf *out, bool *known_r)
{
	unsigned n = 0;

	for (size_t i = 0; i < z->n; i++) {
		const struct record *r = &z->records[i];
		if (strcmp(r->name, name) != 0)
			continue;
		*known_r = true;
		if (r->type != type || r->fault >= 0)
			continue;
		put_u16(out, 0xc000 | HEADER);
		put_u16(out, type);
		put_u16(out, 1);
		put_u16(out, 0);
		put_u16(out, 60);
		put_u16(out, (unsigned)buf_len(&r->data));
		buf_add_str(out, buf_str(&r->data));
		n++;
	}
	return n;
}

static void
answer(const struct zone *z, const uint8_t *p, size_t question, const char *name, unsigned type,
    struct buf *out)
{
	const struct record *fault = find_fault(z, name, type);
	struct buf answers = {0};
	bool known = false;
	unsigned n = put_answers(z, name, type, &answers, &known);
	unsigned rcode = fault ? 2 : known ? 0 : 3;

	buf_add(out, p, 2);
	put_u16(out, 0x8580 | rcode);
	put_u16(out, 1);
	put_u16(out, fault ? 0 : n);
	put_u16(out, 0);
	put_u16(out, 0);
	buf_add(out, p + HEADER, question);
	if (!fault)
		buf_add_str(out, buf_str(&answers));
	buf_deinit(&answers);
}

static void
on_question(void *ctx, int events)
{
	struct zone *z = ctx;
	uint8_t p[1500];
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	char name[256];
	struct buf out = {0};

	(void)events;
	ssize_t n = recvfrom(z->fd, p, sizeof(p), 0, (struct sockaddr *)&from, &from_n);
	if (n <= HEADER)
		return;
	size_t len = read_name(name, p + HEADER, (size_t)n - HEADER);
	if (len == 0 || HEADER + len + 4 > (size_t)n)
		return;
	unsigned type = (unsigned)p[HEADER + len] << 8 | p[HEADER + len + 1];
	count(z, name, type);
	const struct record *fault = find_fault(z, name, type);
	if (fault && fault->fault == ZONE_SILENT)
		return;
	answer(z, p, len + 4, name, type, &out);
	(void)!sendto(z->fd, buf_str(&out).p, buf_len(&out), 0, (struct sockaddr *)&from, from_n);
	buf_deinit(&out);
}

struct zone *
zone_new(struct loop *l)
{
	struct zone *z = NEW(struct zone);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	z->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(z->fd, (struct sockaddr *)&a, n) != 0 ||
	    getsockname(z->fd, (struct sockaddr *)&a, &n) != 0)
		bug("no socket for the DNS");
	snprintf(z->resolver, sizeof(z->resolver), "127.0.0.1@%u", ntohs(a.sin_port));
	z->watch = loop_watch_new(l, z->fd, on_question, z);
	loop_watch_set(z->watch, LOOP_READ);
	return z;
}

void
zone_free(struct zone **zp)
{
	struct zone *z = *zp;

	loop_watch_free(&z->watch);
	close(z->fd);
	for (size_t i = 0; i < z->n; i++)
		buf_deinit(&z->records[i].data);
	free(z);
	*zp = NULL;
}

const char *
zone_resolver(const struct zone *z)
{
	return z->resolver;
}
