/* See tar.h. Called by backup.c and restore.c. */
#include "tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 512
#define COPY_BYTES 65536

/* POSIX.1-1988 ustar */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

/* ---- numbers ---- */

static unsigned
checksum(const struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	const size_t from = offsetof(struct header, checksum);
	unsigned sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= from && i < from + sizeof(h->checksum) ? ' ' : p[i];
	return sum;
}

/* Octal digits, or big-endian with the top bit of the first byte set. */
static void
put_size(char out[12], uint64_t size)
{
	if (size < (1ull << 33)) {
		char text[13];

		snprintf(text, sizeof(text), "%011llo", (unsigned long long)size);
		memcpy(out, text, 12);
		return;
	}
	for (int i = 11; i >= 0; i--, size >>= 8)
		out[i] = (char)(size & 0xff);
	out[0] |= (char)0x80;
}

static uint64_t
get_octal(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v * 8 + (uint64_t)(p[i] - '0');
	return v;
}

static uint64_t
get_size(const char in[12])
{
	uint64_t v = 0;

	if (!(in[0] & 0x80))
		return get_octal(in, 12);
	for (int i = 4; i < 12; i++)
		v = v << 8 | (unsigned char)in[i];
	return v;
}

/* ---- writing ---- */

static int
write_all(int fd, const void *p, size_t n, struct err *err)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w = write(fd, at, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return err_set(err, "cannot write: %s", strerror(w < 0 ? errno : ENOSPC));
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

static int
write_padding(int fd, uint64_t size, struct err *err)
{
	static const char zeros[BLOCK];

	return size % BLOCK ? write_all(fd, zeros, BLOCK - size % BLOCK, err) : 0;
}

static int
write_header(int fd, const struct tar_member *m, int64_t mtime, struct err *err)
{
	struct header h = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
	const char *name = m->name;
	size_t n = strlen(name);

	if (n > sizeof(h.name)) {
		/* The front part goes into the prefix, the slash between them is not written. */
		const char *slash = strchr(name + n - sizeof(h.name) - 1, '/');
		if (!slash || (size_t)(slash - name) > sizeof(h.prefix))
			return err_set(err, "%s: the name is too long", name);
		memcpy(h.prefix, name, (size_t)(slash - name));
		name = slash + 1;
		n = strlen(name);
	}
	memcpy(h.name, name, n);
	snprintf(h.mode, sizeof(h.mode), "%07o", (unsigned)m->mode & 0777u);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0u);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0u);
	put_size(h.size, m->size);
	put_size(h.mtime, (uint64_t)mtime);
	snprintf(h.checksum, sizeof(h.checksum), "%06o", checksum(&h));
	h.checksum[7] = ' ';
	return write_all(fd, &h, sizeof(h), err);
}

static int
copy(int from, int to, uint64_t size, struct err *err)
{
	char bytes[COPY_BYTES];

	while (size > 0) {
		ssize_t n = read(from, bytes, size < sizeof(bytes) ? size : sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, "cannot read: %s", strerror(errno));
		if (n == 0)
			return err_set(err, "it ends too early");
		if (to >= 0 && write_all(to, bytes, (size_t)n, err) != 0)
			return -1;
		size -= (uint64_t)n;
	}
	return 0;
}

int
tar_write_file(int tar_fd, const char *name, int fd, struct err *err)
{
	struct tar_member m = {0};
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, "%s is no regular file", name);
	if (!str_copy(m.name, sizeof(m.name), str_z(name)))
		return err_set(err, "%s: the name is too long", name);
	m.mode = st.st_mode;
	m.size = (uint64_t)st.st_size;
	if (write_header(tar_fd, &m, st.st_mtime, err) != 0 || copy(fd, tar_fd, m.size, err) != 0)
		return err_prefix(err, "%s", name);
	return write_padding(tar_fd, m.size, err);
}

int
tar_write_text(int tar_fd, const char *name, struct str text, struct err *err)
{
	struct tar_member m = {.mode = 0600, .size = text.n};

	if (!str_copy(m.name, sizeof(m.name), str_z(name)))
		return err_set(err, "%s: the name is too long", name);
	if (write_header(tar_fd, &m, 0, err) != 0 || write_all(tar_fd, text.p, text.n, err) != 0)
		return -1;
	return write_padding(tar_fd, m.size, err);
}

int
tar_write_end(int tar_fd, struct err *err)
{
	static const char zeros[2 * BLOCK];

	return write_all(tar_fd, zeros, sizeof(zeros), err);
}

/* ---- reading ---- */

/* 1, 0 at a clean end of the file, -1. */
static int
read_block(int fd, struct header *h, struct err *err)
{
	size_t got = 0;

	while (got < sizeof(*h)) {
		ssize_t n = read(fd, (char *)h + got, sizeof(*h) - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, "cannot read: %s", strerror(errno));
		if (n == 0)
			return got == 0 ? 0 : err_set(err, "it is cut short");
		got += (size_t)n;
	}
	return 1;
}

int
tar_read_member(int tar_fd, struct tar_member *m_r, struct err *err)
{
	struct tar_member m = {0};
	struct header h;
	int rc = read_block(tar_fd, &h, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, "it is cut short");
	if (h.name[0] == '\0')
		return 0;
	if (memcmp(h.magic, "ustar", 5) != 0 ||
	    get_octal(h.checksum, sizeof(h.checksum)) != checksum(&h))
		return err_set(err, "it is no archive, or damaged");
	if (h.type != '0' && h.type != '\0')
		return err_set(err, "%.100s in it is no regular file", h.name);
	snprintf(m.name, sizeof(m.name), "%.*s%s%.*s", (int)sizeof(h.prefix), h.prefix,
	    h.prefix[0] ? "/" : "", (int)sizeof(h.name), h.name);
	m.mode = (mode_t)get_octal(h.mode, sizeof(h.mode)) & 0777;
	m.size = get_size(h.size);
	*m_r = m;
	return 1;
}

int
tar_read_content(int tar_fd, const struct tar_member *m, int fd, struct err *err)
{
	uint64_t padding = m->size % BLOCK ? BLOCK - m->size % BLOCK : 0;

	if (copy(tar_fd, fd, m->size, err) != 0 || copy(tar_fd, -1, padding, err) != 0)
		return err_prefix(err, "%s", m->name);
	return 0;
}
