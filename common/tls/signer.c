/* Asks keyd for signatures. Every worker thread has its own connection, kept between handshakes and closed
 * with the thread, so nothing here is shared but the path. While keyd is away (it is being restarted) the request is
 * repeated on new connections for AWAY_MS; a connection that missed its deadline is thrown away, because the
 * answer might still come and be taken for the next one's. Called from the sign callbacks in chain.c. */

#include "tls/signer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tls/keywire.h"

#define DEADLINE_S 2
#define AWAY_MS 1000
#define AGAIN_MS 10

static struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = KEYWIRE_SOCKET};
static atomic_ullong next_tag = 1;

static pthread_once_t slot_once = PTHREAD_ONCE_INIT;
static pthread_key_t slot; /* per thread: descriptor + 1, so that NULL is none */

static void
close_slot(void *value)
{
	close((int)(intptr_t)value - 1);
}

static void
make_slot(void)
{
	pthread_key_create(&slot, close_slot);
}

int
signer_set_path(const char *name, struct err *err)
{
	if (!str_copy(address.sun_path, sizeof address.sun_path, str_z(name)))
		return err_set(err, "%s: longer than a socket's name may be", name);
	return 0;
}

static void
disconnect(void)
{
	void *value = pthread_getspecific(slot);

	if (value != NULL)
		close_slot(value);
	pthread_setspecific(slot, NULL);
}

/* This thread's connection; -1 with errno. */
static int
connection(void)
{
	const struct timeval deadline = {.tv_sec = DEADLINE_S};
	void *value = pthread_getspecific(slot);

	if (value != NULL)
		return (int)(intptr_t)value - 1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	pthread_setspecific(slot, (void *)(intptr_t)(fd + 1));
	return fd;
}

/* One packet there and one back: the length of the answer, 0 when keyd hung up, -1 with errno. */
static ssize_t
exchange(struct str request, uint8_t answer[KEYWIRE_ANSWER_SIZE])
{
	ssize_t n;
	int fd = connection();

	if (fd < 0)
		return -1;
	do
		n = send(fd, request.p, request.n, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EPIPE || errno == ECONNRESET ? 0 : -1;
	do
		n = recv(fd, answer, KEYWIRE_ANSWER_SIZE, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 && errno == ECONNRESET ? 0 : n;
}

/* It hung up, or nobody listens. */
static bool
is_away(ssize_t n)
{
	return n == 0 || (n < 0 && (errno == ECONNREFUSED || errno == ENOENT));
}

/* A handshake fails at the peer, who may have no other way to us: a restart of keyd shall be a pause. */
static ssize_t
exchange_with_retry(struct str request, uint8_t answer[KEYWIRE_ANSWER_SIZE])
{
	static const struct timespec pause = {.tv_nsec = AGAIN_MS * 1000000L};
	uint64_t until_ms = clock_mono_ms() + AWAY_MS;
	ssize_t n = exchange(request, answer);
	int error;

	while (is_away(n) && clock_mono_ms() < until_ms) {
		disconnect();
		nanosleep(&pause, NULL);
		n = exchange(request, answer);
	}
	if (n > 0)
		return n;
	error = n == 0 ? ECONNRESET : errno;
	disconnect();
	errno = error;
	return -1;
}

int
signer_sign(uint32_t key_id, unsigned gnutls_algorithm, struct str data, struct buf *signature,
    struct err *err)
{
	uint8_t packet[KEYWIRE_ANSWER_SIZE];
	struct buf request = {0};
	struct keywire_answer answer;
	uint64_t tag = atomic_fetch_add(&next_tag, 1);

	if (data.n > KEYWIRE_DATA_MAX)
		return err_set(err, "keyd: %zu bytes to sign are too many", data.n);
	pthread_once(&slot_once, make_slot);
	keywire_put_request(&request,
	    &(struct keywire_request){.type = KEYWIRE_SIGN,
		.key_id = key_id,
		.algorithm = gnutls_algorithm,
		.tag = tag,
		.data = data});
	ssize_t n = exchange_with_retry(buf_str(&request), packet);
	buf_deinit(&request);
	if (n < 0)
		return err_set(err, "keyd: %s", errno == EAGAIN ? "no answer" : strerror(errno));
	if (!keywire_get_answer(str_of(packet, (size_t)n), &answer) || answer.tag != tag) {
		disconnect();
		return err_set(err, "keyd: malformed answer");
	}
	if (answer.status != KEYWIRE_OK)
		return err_set(err, "keyd: %s", keywire_status_text(answer.status));
	buf_add_str(signature, answer.signature);
	return 0;
}
