/* The rig of the TLS tests; see the header. Everything here asserts and nothing is fast. */

#include "tls_rig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tls/signer.h"

#define MUST(call)                                                                             \
	do {                                                                                   \
		int rc_ = (int)(call);                                                         \
		if (rc_ < 0)                                                                   \
			bug("%s: %s (%d, errno %d)", #call, gnutls_strerror(rc_), rc_, errno); \
	} while (0)

static char *
exported(gnutls_datum_t *d)
{
	char *text = str_dup(str_of(d->data, d->size));

	gnutls_free(d->data);
	return text;
}

void
rig_key_make(
    struct rig_key *k, gnutls_pk_algorithm_t pk, unsigned bits, const char *domain, uint32_t id)
{
	gnutls_x509_privkey_t x;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;

	*k = (struct rig_key){.pk = pk, .id = id};
	MUST(gnutls_x509_privkey_init(&x));
	MUST(gnutls_x509_privkey_generate(x, pk, bits, 0));
	MUST(gnutls_x509_privkey_export2_pkcs8(
	    x, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem));
	k->key_pem = exported(&pem);
	MUST(gnutls_x509_crt_init(&crt));
	MUST(gnutls_x509_crt_set_version(crt, 3));
	MUST(gnutls_x509_crt_set_serial(crt, "\x01\x02", 2));
	MUST(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600));
	MUST(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400 * 100));
	MUST(gnutls_x509_crt_set_subject_alt_name(
	    crt, GNUTLS_SAN_DNSNAME, domain, (unsigned)strlen(domain), GNUTLS_FSAN_SET));
	MUST(gnutls_x509_crt_set_key(crt, x));
	MUST(gnutls_x509_crt_sign2(
	    crt, crt, x, pk == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0));
	MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
	k->cert_pem = exported(&pem);
	gnutls_x509_crt_deinit(crt);
	MUST(gnutls_privkey_init(&k->key));
	MUST(gnutls_privkey_import_x509(k->key, x, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE));
}

void
rig_key_free(struct rig_key *k)
{
	gnutls_privkey_deinit(k->key);
	free(k->cert_pem);
	free(k->key_pem);
	*k = (struct rig_key){0};
}

int
rig_sign(const struct rig_key *k, const struct keywire_request *r, gnutls_datum_t *signature)
{
	gnutls_datum_t data = {.data = (unsigned char *)r->data.p, .size = (unsigned)r->data.n};

	if (r->algorithm == GNUTLS_SIGN_RSA_RAW)
		return gnutls_privkey_sign_hash(
		    k->key, GNUTLS_DIG_NULL, GNUTLS_PRIVKEY_SIGN_FLAG_TLS1_RSA, &data, signature);
	if (r->algorithm == GNUTLS_SIGN_EDDSA_ED25519)
		return gnutls_privkey_sign_data2(k->key, r->algorithm, 0, &data, signature);
	return gnutls_privkey_sign_hash2(k->key, r->algorithm, 0, &data, signature);
}

bool
rig_keyd_sign(void *ctx, struct str packet, struct buf *out)
{
	struct keywire_request r;
	struct keywire_answer a = {.status = KEYWIRE_UNKNOWN_KEY};
	gnutls_datum_t signature = {0};

	if (!keywire_get_request(packet, &r))
		return false;
	a.tag = r.tag;
	for (const struct rig_key *k = ctx; k->key != NULL; k++)
		if (k->id == r.key_id && rig_sign(k, &r, &signature) >= 0) {
			a.status = KEYWIRE_OK;
			a.signature = str_of(signature.data, signature.size);
		}
	keywire_put_answer(out, &a);
	gnutls_free(signature.data);
	return true;
}

/* --- keyd in a thread -------------------------------------------------------------------------------------- */

#define RIG_PEERS 16

static struct {
	pthread_t thread;
	rig_keyd_fn *fn;
	void *ctx;
	char folder[64], path[96];
	int stop[2];
	struct pollfd fds[2 + RIG_PEERS];
	nfds_t n;
} fake;

/* False when the peer is gone. */
static bool
serve(int fd)
{
	uint8_t packet[KEYWIRE_REQUEST_SIZE + 1];
	struct buf out = {0};

	ssize_t n = recv(fd, packet, sizeof packet, 0);
	bool ok = n > 0 && fake.fn(fake.ctx, str_of(packet, (size_t)n), &out);
	if (ok && buf_len(&out) > 0)
		ok = send(fd, buf_str(&out).p, buf_len(&out), MSG_NOSIGNAL) > 0;
	buf_deinit(&out);
	return ok;
}

static void *
keyd_thread(void *arg)
{
	while (poll(fake.fds, fake.n, -1) > 0 && fake.fds[0].revents == 0) {
		for (nfds_t i = fake.n - 1; i >= 2; i--)
			if (fake.fds[i].revents != 0 && !serve(fake.fds[i].fd)) {
				close(fake.fds[i].fd);
				fake.fds[i] = fake.fds[--fake.n];
			}
		if (fake.fds[1].revents != 0 && fake.n < COUNT(fake.fds))
			fake.fds[fake.n++] = (struct pollfd){
			    .fd = accept(fake.fds[1].fd, NULL, NULL), .events = POLLIN};
	}
	return arg;
}

void
rig_keyd_start(rig_keyd_fn *fn, void *ctx)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	fake.fn = fn;
	fake.ctx = ctx;
	snprintf(fake.folder, sizeof fake.folder, "/tmp/jackdaw-tls-XXXXXX");
	if (mkdtemp(fake.folder) == NULL)
		bug("mkdtemp");
	snprintf(fake.path, sizeof fake.path, "%s/" KEYWIRE_SOCKET, fake.folder);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", fake.path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	MUST(bind(fd, (struct sockaddr *)&address, sizeof address));
	MUST(listen(fd, 16));
	MUST(pipe(fake.stop));
	fake.fds[0] = (struct pollfd){.fd = fake.stop[0], .events = POLLIN};
	fake.fds[1] = (struct pollfd){.fd = fd, .events = POLLIN};
	fake.n = 2;
	MUST(signer_set_path(fake.path, NULL));
	MUST(-pthread_create(&fake.thread, NULL, keyd_thread, NULL));
}

void
rig_keyd_stop(void)
{
	MUST(write(fake.stop[1], "", 1));
	pthread_join(fake.thread, NULL);
	for (nfds_t i = 0; i < fake.n; i++)
		close(fake.fds[i].fd);
	close(fake.stop[1]);
	unlink(fake.path);
	rmdir(fake.folder);
}

const char *
rig_keyd_path(void)
{
	return fake.path;
}

/* --- the client -------------------------------------------------------------------------------------------- */

static ssize_t
client_pull(gnutls_transport_ptr_t ptr, void *data, size_t size)
{
	struct rig_client *c = ptr;
	size_t n = buf_len(&c->in) < size ? buf_len(&c->in) : size;

	if (n == 0) {
		gnutls_transport_set_errno(c->session, EAGAIN);
		return -1;
	}
	memcpy(data, buf_str(&c->in).p, n);
	buf_consume(&c->in, n);
	return (ssize_t)n;
}

static ssize_t
client_push(gnutls_transport_ptr_t ptr, const void *data, size_t size)
{
	struct rig_client *c = ptr;

	buf_add(&c->out, data, size);
	return (ssize_t)size;
}

static int
client_pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	struct rig_client *c = ptr;

	(void)ms;
	return buf_len(&c->in) > 0;
}

void
rig_client_start(struct rig_client *c, const char *priority, const char *sni, const char *alpn,
    const gnutls_datum_t *resume)
{
	*c = (struct rig_client){.status = GNUTLS_E_AGAIN};
	MUST(gnutls_certificate_allocate_credentials(&c->credentials));
	MUST(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK));
	MUST(gnutls_priority_set_direct(c->session, priority, NULL));
	MUST(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials));
	gnutls_transport_set_ptr(c->session, c);
	gnutls_transport_set_pull_function(c->session, client_pull);
	gnutls_transport_set_pull_timeout_function(c->session, client_pull_timeout);
	gnutls_transport_set_push_function(c->session, client_push);
	if (sni != NULL)
		MUST(gnutls_server_name_set(c->session, GNUTLS_NAME_DNS, sni, strlen(sni)));
	if (alpn != NULL) {
		gnutls_datum_t name = {
		    .data = (unsigned char *)alpn, .size = (unsigned)strlen(alpn)};
		MUST(gnutls_alpn_set_protocols(c->session, &name, 1, 0));
	}
	if (resume != NULL)
		MUST(gnutls_session_set_data(c->session, resume->data, resume->size));
}

void
rig_client_stop(struct rig_client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	buf_deinit(&c->in);
	buf_deinit(&c->out);
}

enum tls_state
rig_shake(struct rig_client *c, struct tls *s, struct err *err)
{
	enum tls_state state = TLS_HANDSHAKE;

	for (int round = 0; round < 10; round++) {
		if (c->status == GNUTLS_E_AGAIN)
			c->status = gnutls_handshake(c->session);
		if (c->status < 0 && c->status != GNUTLS_E_AGAIN)
			gnutls_alert_send_appropriate(c->session, c->status);
		if (state == TLS_HANDSHAKE)
			state = tls_handshake(s, &c->out, &c->in, err);
		if (state == TLS_OPEN && c->status == 0)
			break;
	}
	return state;
}

ssize_t
rig_client_recv(struct rig_client *c, void *data, size_t size)
{
	ssize_t n;

	do
		n = gnutls_record_recv(c->session, data, size);
	while (n == GNUTLS_E_AGAIN && buf_len(&c->in) > 0);
	return n;
}
