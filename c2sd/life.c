/* c2sd from start to stop: what is opened with privilege, which threads there are, what a turn ends with. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "client.h"
#include "handover.h"
#include "links.h"
#include "negotiate.h"
#include "session.h"
#include "sm.h"
#include "tls/verify.h"

/* ---- with privilege ---- */

static int
read_authd_public(struct c2sd *c, struct err *err)
{
	int fd = open("authd.pub", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, c->authd_public, sizeof(c->authd_public)) : -1;
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (n != (ssize_t)sizeof(c->authd_public))
		return err_set(err, "authd.pub: %s; it is written by \"jackdawctl init\"",
		    n < 0 ? strerror(error) : "not 32 bytes");
	return 0;
}

struct c2sd *
c2sd_new(struct daemon *d)
{
	struct c2sd *c = NEW(struct c2sd);

	d->state = c;
	c->daemon = d;
	door_init(&c->door);
	door_set(&c->door, &c2sd_settings(c)->door);
	c->readers = xml_pool_new();
	handshakes_init(&c->handshakes);
	list_init(&c->preauth);
	wheel_init(&c->deadlines, TICK_MS, 0); /* there is no clock yet */
	list_init(&c->bound);
	list_init(&c->closing);
	list_init(&c->servers);
	c->handover = -1;
	wires_init(&c->wires, links_have_credit, c);
	shaper_init(&c->shaper, client_resume_shaped);
	list_init(&c->away);
	list_init(&c->eased);
	list_init(&c->sm_advanced);
	list_init(&c->sm_open);
	ledger_index_init(&c->ids);
	return c;
}

/* Whom clients' certificates must come from. Without such CAs nobody is asked for any. */
static int
open_trust(struct c2sd *c, struct err *err)
{
	const struct c2sd_settings *s = c2sd_settings(c);
	struct trust *t;

	if (!*s->client_ca_file)
		return 0;
	t = trust_new(s->client_ca_file, s->client_crl_file, err);
	if (!t)
		return -1;
	tls_context_set_trust(c->tls, t);
	trust_unref(&t);
	return 0;
}

/* client_ca_file and client_crl_file. Who has shown a certificate that is not trusted now is told by the next ticks. */
int
c2sd_take_files(struct daemon *d, const struct str *texts, struct err *err)
{
	struct c2sd *c = d->state;
	struct trust *t = NULL;

	if (!str_empty(texts[0])) {
		t = trust_renew(NULL, texts[0], texts[1], err);
		if (!t)
			return -1;
	}
	tls_context_set_trust(c->tls, t);
	trust_unref(&t);
	return 0;
}

int
c2sd_open(struct daemon *d, struct err *err)
{
	struct c2sd *c = c2sd_new(d);

	if (read_authd_public(c, err) != 0 || listen_open(c, err) != 0 ||
	    handover_open(c, err) != 0 || tls_global_init(err) != 0)
		return -1;
	c->tls = tls_context_new("xmpp-client");
	if (open_trust(c, err) != 0)
		return -1;
	certs_init(&c->certs, c->tls);
	return 0;
}

/* ---- threads ---- */

int
c2sd_threads(struct daemon *d, struct err *err)
{
	struct c2sd *c = d->state;

	(void)err;
	handshakes_threads(&c->handshakes, d->loop);
	return 0;
}

/* ---- start, reload ---- */

static void
resume_eased(struct list *it)
{
	wire_resume(&CONTAINER_OF(it, struct client, away)->wire, PAUSE_AWAY);
}

void
c2sd_turn(void *c2sd)
{
	struct c2sd *c = c2sd;

	list_take_each(&c->eased, resume_eased);
	sm_turn(c);
	wires_turn(&c->wires, c2sd_now_ms(c));
}

int
c2sd_start(struct daemon *d, struct err *err)
{
	struct c2sd *c = d->state;

	(void)err;
	domains_note(&c->domains, &d->suite);
	listen_start(c);
	reports_start(c);
	c->hook = loop_hook_new(d->loop, c2sd_turn, c);
	c->tick = loop_timer_new(d->loop, c2sd_tick, c);
	shaper_start(&c->shaper, d->loop);
	loop_timer_start(c->tick, TICK_MS, TICK_MS);
	certs_start(&c->certs, d->loop, &c->gates);
	return 0;
}

void
c2sd_reloaded(struct daemon *d, const void *old)
{
	struct c2sd *c = d->state;

	(void)old;
	domains_note(&c->domains, &d->suite);
	door_set(&c->door, &c2sd_settings(c)->door);
}

/* ---- stop ---- */

static void
end_clients(struct list *clients)
{
	while (!list_empty(clients))
		client_end(
		    CONTAINER_OF(clients->next, struct client, link), STREAM_SYSTEM_SHUTDOWN, NULL);
}

static void
c2sd_free(struct c2sd *c)
{
	if (c->handover >= 0)
		close(c->handover);
	wires_deinit(&c->wires);
	xml_pool_free(&c->readers);
	offer_deinit(&c->offer);
	tls_context_free(&c->tls);
	door_deinit(&c->door);
	domains_deinit(&c->domains);
	seal_deinit(&c->seal);
	c->daemon->state = NULL;
	free(c);
}

void
c2sd_client_gone(struct c2sd *c)
{
	if (c->is_stopping && c->n_clients == 0)
		c2sd_free(c);
	else
		listen_resume(c);
}

/* The bus has gone already. Clients are told; their sockets, and then this daemon's own memory, go with the loop. */
void
c2sd_stop(struct daemon *d)
{
	struct c2sd *c = d->state;

	if (!c)
		return;
	listen_stop(c);
	end_clients(&c->preauth);
	sessions_free(c);
	ledger_index_deinit(&c->ids);
	end_clients(&c->bound);
	handshakes_deinit(&c->handshakes);
	certs_deinit(&c->certs);
	reports_stop(c);
	loop_timer_free(&c->tick);
	shaper_stop(&c->shaper);
	loop_hook_free(&c->hook);
	c->is_stopping = true;
	if (c->n_clients == 0)
		c2sd_free(c);
}
