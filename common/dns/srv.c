/* See srv.h. */
#include "dns/srv.h"

#define HEADER_BYTES 6
#define LABEL_MAX 63

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Appends a label and a dot. False when it does not fit or is no part of a host's name. */
static bool
add_label(char *name, size_t *n, struct str label)
{
	if (label.n == 0 || label.n > LABEL_MAX || *n + label.n + 1 >= DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = lower(label.p[i]);
		if (!is_host_char(c))
			return false;
		name[(*n)++] = c;
	}
	name[(*n)++] = '.';
	return true;
}

/* A name as on the wire, which must end where `wire` ends. Compression is refused: it was undone already. */
static bool
read_name(char name[DNS_NAME_MAX], struct str wire)
{
	size_t n = 0;

	while (wire.n > 0) {
		size_t len = (uint8_t)wire.p[0];
		if (len == 0) {
			name[n > 0 ? n - 1 : 0] = '\0';
			return wire.n == 1;
		}
		if (len >= wire.n || !add_label(name, &n, str_of(wire.p + 1, len)))
			return false;
		wire = str_from(wire, 1 + len);
	}
	return false;
}

static uint16_t
read_u16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

bool
srv_parse(struct srv *s_r, struct str rdata)
{
	struct srv s = {.is_secure = false};

	if (rdata.n <= HEADER_BYTES || !read_name(s.target, str_from(rdata, HEADER_BYTES)))
		return false;
	s.priority = read_u16(rdata.p);
	s.weight = read_u16(rdata.p + 2);
	s.port = read_u16(rdata.p + 4);
	if (s.target[0] != '\0' && s.port == 0)
		return false;
	*s_r = s;
	return true;
}

/* ---- order ---- */

static void
swap(struct srv *a, struct srv *b)
{
	struct srv t = *a;

	*a = *b;
	*b = t;
}

static bool
goes_before(const struct srv *a, const struct srv *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->weight == 0 &&
	    b->weight != 0; /* those without weight first, then they get a chance */
}

static void
insertion_sort(struct srv *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && goes_before(&s[k], &s[k - 1]); k--)
			swap(&s[k], &s[k - 1]);
}

/* Which of n of the same priority comes first. */
static size_t
draw(const struct srv *s, size_t n, uint32_t (*below)(uint32_t limit))
{
	uint32_t sum = 0, at;
	size_t i = 0;

	for (size_t k = 0; k < n; k++)
		sum += s[k].weight;
	at = below(sum + 1);
	for (sum = s[0].weight; sum < at && i + 1 < n; sum += s[i].weight)
		i++;
	return i;
}

void
srv_sort(struct srv *s, size_t n, uint32_t (*below)(uint32_t limit))
{
	insertion_sort(s, n);
	for (size_t i = 0; i < n; i++) {
		size_t same = 1, chosen;
		while (i + same < n && s[i + same].priority == s[i].priority)
			same++;
		chosen = draw(s + i, same, below);
		/* The others keep their order, so those without weight stay in front. */
		for (size_t k = i + chosen; k > i; k--)
			swap(&s[k], &s[k - 1]);
	}
}
