/* See listeners.h. Owned by the supervisor. */
#include "listeners.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/files.h"
#include "spawn.h"
#include "tool.h"

#define ADDRESS_MAX 64

struct socket {
	const struct program *program;
	char name[64];
	char address[ADDRESS_MAX];
	uint16_t port;
	int fd; /* -1: to be opened */
	bool is_wanted;
};

struct listeners {
	struct socket v[SPAWN_LISTENERS_MAX]; /* more than that is an error */
	unsigned n;
	int fds[SPAWN_LISTENERS_MAX]; /* for listeners_of */
	struct buf names;
};

struct listeners *
listeners_new(void)
{
	return NEW(struct listeners);
}

static void
remove_at(struct listeners *l, unsigned i)
{
	if (l->v[i].fd >= 0)
		close(l->v[i].fd);
	l->v[i] = l->v[--l->n];
}

void
listeners_free(struct listeners **lp)
{
	struct listeners *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	while (l->n > 0)
		remove_at(l, l->n - 1);
	buf_deinit(&l->names);
	free(l);
}

static struct socket *
find(struct listeners *l, const struct socket *like)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct socket *s = &l->v[i];
		if (s->program == like->program && strcmp(s->name, like->name) == 0 &&
		    strcmp(s->address, like->address) == 0 && s->port == like->port)
			return s;
	}
	return NULL;
}

/* NAME ADDRESS PORT */
static bool
parse_line(struct str line, struct socket *s_r)
{
	struct str name, address, port, rest;
	uint64_t n;

	return str_split(line, ' ', &name, &rest) && str_split(rest, ' ', &address, &port) &&
	    str_u64(str_trim(port), &n) && n > 0 && n < 65536 &&
	    str_copy(s_r->name, sizeof(s_r->name), name) &&
	    str_copy(s_r->address, sizeof(s_r->address), address) && (s_r->port = (uint16_t)n, true);
}

static int
plan(struct listeners *l, const struct program *p, struct str text, struct err *err)
{
	struct str line;

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].program == p)
			l->v[i].is_wanted = false;
	while (!str_empty(text)) {
		struct socket s = {.program = p, .fd = -1, .is_wanted = true};

		str_split(text, '\n', &line, &text);
		if (!parse_line(line, &s))
			return err_set(err, "%s -L prints: %.*s", p->name, STR_ARG(line));
		struct socket *known = find(l, &s);
		if (known)
			known->is_wanted = true;
		else if (l->n < SPAWN_LISTENERS_MAX)
			l->v[l->n++] = s;
		else
			return err_set(
			    err, "%s has more than %d listeners", p->name, SPAWN_LISTENERS_MAX);
	}
	return 0;
}

/* Another supervisor that adopts our daemons may have to open the same address beside them. */
static void
allow_sharing(int fd)
{
	int yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
}

static int
open_one(struct socket *s, bool shared, struct err *err)
{
	s->fd = listen_tcp(s->name, s->address, s->port, shared, err);
	if (s->fd < 0)
		return -1;
	allow_sharing(s->fd);
	return 0;
}

int
listeners_refresh(
    struct listeners *l, const struct ctl *c, const struct program *p, bool shared, struct err *err)
{
	struct buf text = {0};
	int rc = tool_ask(c, p, "-L", &text, err);

	if (rc == 0)
		rc = plan(l, p, buf_str(&text), err);
	buf_deinit(&text);
	/* First out, then in: an address may have got another form. */
	for (unsigned i = l->n; rc == 0 && i-- > 0;)
		if (l->v[i].program == p && !l->v[i].is_wanted)
			remove_at(l, i);
	for (unsigned i = 0; rc == 0 && i < l->n; i++)
		if (l->v[i].fd < 0)
			rc = open_one(&l->v[i], shared, err);
	for (unsigned i = l->n; i-- > 0;)
		if (l->v[i].fd < 0)
			remove_at(l, i);
	return rc;
}

unsigned
listeners_of(struct listeners *l, const struct program *p, const int **fds_r, const char **names_r)
{
	unsigned n = 0;

	buf_clear(&l->names);
	for (unsigned i = 0; i < l->n; i++) {
		if (l->v[i].program != p)
			continue;
		l->fds[n] = l->v[i].fd;
		buf_printf(&l->names, "%s%s", n > 0 ? ":" : "", l->v[i].name);
		n++;
	}
	buf_add_c(&l->names, '\0');
	*fds_r = l->fds;
	*names_r = buf_str(&l->names).p;
	return n;
}

bool
listeners_have(const struct listeners *l, const struct program *p)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].program == p)
			return true;
	return false;
}
