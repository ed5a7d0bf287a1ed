/* Listening sockets: inherited from the supervisor where it passed them, else bound here, with privilege. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/paths.h"
#include "service/skeleton.h"

#define BACKLOG 4096

static struct skeleton *
skeleton_of(struct daemon *d)
{
	return CONTAINER_OF(d, struct skeleton, daemon);
}

/* "*" is every address, v4 in v6; else a literal of either family. */
static int
parse_address(const char *address, uint16_t port, struct sockaddr_storage *to, socklen_t *n_r)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, address, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		*n_r = sizeof(*in4);
		return 0;
	}
	if (strcmp(address, "*") == 0)
		in6->sin6_addr = in6addr_any;
	else if (inet_pton(AF_INET6, address, &in6->sin6_addr) != 1)
		return -1;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	*n_r = sizeof(*in6);
	return 0;
}

static int
listen_on(const struct sockaddr_storage *at, socklen_t n, bool shared)
{
	int one = 1, zero = 0, e;
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (at->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, (const struct sockaddr *)at, n) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

/* A machine without IPv6 still has every IPv4 address. */
static int
listen_any_v4(const char *address, uint16_t port, bool shared)
{
	struct sockaddr_storage at;
	socklen_t n;

	if (strcmp(address, "*") != 0 || errno != EAFNOSUPPORT ||
	    parse_address("0.0.0.0", port, &at, &n) != 0)
		return -1;
	return listen_on(&at, n, shared);
}

int
listen_tcp(const char *name, const char *address, uint16_t port, bool shared, struct err *err)
{
	struct sockaddr_storage at;
	socklen_t n;
	int fd;

	if (parse_address(address, port, &at, &n) != 0)
		return err_set(err,
		    "listener %s: \"%s\" is no address; use \"*\" or an IPv4 or IPv6 literal", name,
		    address);
	fd = listen_on(&at, n, shared);
	if (fd < 0)
		fd = listen_any_v4(address, port, shared);
	if (fd < 0 && errno == EADDRINUSE)
		return err_set(err,
		    "listener %s: port %u is taken by another program; stop it, or move this suite with port_offset",
		    name, port);
	if (fd < 0)
		return err_set(
		    err, "listener %s: %s port %u: %s", name, address, port, strerror(errno));
	return fd;
}

/* Datagrams come without it. */
static bool
is_listening(int fd, int type)
{
	int is = 0, listens = 0;
	socklen_t n = sizeof(is);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &n) == 0 && is == type &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) == 0 &&
	    (listens || type == SOCK_DGRAM);
}

/* Passed by the supervisor: -1 when it passed none, -2 with *err when it is something else. */
static int
inherited(struct daemon *d, const char *name, int type, struct err *err)
{
	int fd = listen_fds_find(d->listen_fds, name);

	if (fd < 0)
		return -1;
	if (!is_listening(fd, type) || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		close(fd);
		err_set(err, "listener %s: what the supervisor passed is no listening socket", name);
		return -2;
	}
	return fd;
}

int
service_listen_tcp(
    struct daemon *d, const char *name, const char *address, uint16_t port, struct err *err)
{
	int fd = inherited(d, name, SOCK_STREAM, err);

	if (fd == -1)
		fd = listen_tcp(name, address, port, false, err);
	return fd < 0 ? -1 : fd;
}

/* ---- Unix sockets in a role's folder ---- */

/* The folder may be the role's, and we root: only the socket itself may change hands, whatever takes its name meanwhile. */
static int
give_socket(const char *name, uid_t owner)
{
	struct stat st;
	int fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		rc = fchownat(fd, "", owner, (gid_t)-1, AT_EMPTY_PATH);
	else
		errno = EEXIST;
	close(fd);
	return rc;
}

int
bind_unix(const char *name, int type, uid_t owner)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, rc, e;

	if (!str_copy(at.sun_path, sizeof(at.sun_path), str_z(name))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	unlink(name);
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (rc == 0 && owner != (uid_t)-1 && geteuid() == 0 && owner != 0)
		rc = give_socket(name, owner);
	if (rc == 0 && type != SOCK_DGRAM)
		rc = listen(fd, 128);
	if (rc == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}

int
service_listen_unix(struct daemon *d, enum role role, const char *file, int type, struct err *err)
{
	struct skeleton *k = skeleton_of(d);
	char *folder, name[96];
	int fd;

	snprintf(name, sizeof(name), "%s.%s", role_name(role), file);
	fd = inherited(d, name, type, err);
	if (fd != -1)
		return fd < 0 ? -1 : fd;
	folder = path_role(k->options.dir, role);
	/* Names of sockets are short: bound from inside their folder, so that a long D is no trouble. */
	fd = chdir(folder) == 0 ? bind_unix(file, type, service_role_uid(d, role)) : -1;
	if (fd < 0)
		err_set(err, "%s/%s: %s", folder, file, strerror(errno));
	free(folder);
	if (chdir(k->role_folder) == 0)
		return fd;
	err_set(err, "%s: %s", k->role_folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Through a descriptor, so that it is the socket itself whose group and mode change. */
static int
share_socket(const char *name, gid_t group)
{
	struct stat st;
	char path[64];
	int fd = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = -1;

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) != 0 || !S_ISSOCK(st.st_mode))
		errno = EEXIST;
	else if (st.st_gid == group || fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) == 0)
		rc = (st.st_mode & 0777) == 0660 ? 0 : chmod(path, 0660);
	close(fd);
	return rc;
}

int
service_share_unix(
    struct daemon *d, enum role role, const char *file, uint32_t group, struct err *err)
{
	struct skeleton *k = skeleton_of(d);
	char *folder = path_role(k->options.dir, role);
	int rc = chdir(folder) == 0 ? share_socket(file, group) : -1;

	if (rc != 0)
		err_set(err, "%s/%s: cannot let the group in: %s", folder, file, strerror(errno));
	free(folder);
	if (chdir(k->role_folder) != 0)
		return err_set(err, "%s: %s", k->role_folder, strerror(errno));
	return rc;
}

uint32_t
service_role_uid(const struct daemon *d, enum role role)
{
	const struct skeleton *k = CONTAINER_OF(d, const struct skeleton, daemon);
	struct privs p;
	struct err err;

	if (role == ROLE_CTL)
		return k->options.dir ? geteuid() : 0;
	if (privs_plan(&p, k->options.dir, role, suite_uid_base(k->loaded.suite_file), &err) != 0)
		return (uint32_t)-1;
	return p.reduced ? geteuid() : p.uid;
}
