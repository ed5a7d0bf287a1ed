/* Handshakes whose signatures come from keyd's own code (edge.c, sign.c, store.c) over a socket: every key and version
 * that we offer works under its rules, and workers shake hands while the certificates change. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge.h"
#include "tls/chains.h"
#include "tls/pool.h"
#include "tls_pair.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for store and edge */
static struct store store;
static struct edge edge;
static struct push_cursor cursor;

static void
put(const char *domain, int key)
{
	struct pair pair;
	struct err err;

	assert_int_equal(pair_parse(&pair, str_z(pair_keys[key].cert_pem),
			     str_z(pair_keys[key].key_pem), "crt", "key", &err),
	    0);
	pthread_mutex_lock(&lock);
	store_put(&store, str_z(domain), &pair, 0);
	pthread_mutex_unlock(&lock);
}

static bool
serve(void *ctx, struct str packet, struct buf *out)
{
	(void)ctx;
	pthread_mutex_lock(&lock);
	enum edge_verdict v = edge_handle(&edge, &store, packet, 0, out);
	pthread_mutex_unlock(&lock);
	return v == EDGE_ANSWER;
}

static int
make_keyd(void **state)
{
	int rc = pair_make_keys(state);

	store_init(&store);
	edge_init(&edge, "c2sd", EDGE_ALL, 100000, 0);
	put("capulet.example", KEY_ECDSA);
	put("montague.example", KEY_RSA);
	put("verona.example", KEY_ED25519);
	rig_keyd_stop();
	rig_keyd_start(serve, NULL);
	return rc;
}

static int
free_keyd(void **state)
{
	store_deinit(&store);
	return pair_free_keys(state);
}

/* Brings the edge's context up to date, as the socket would. */
static void
pull_list(struct chains *chains)
{
	struct buf packet = {0};
	enum chains_event event = CHAINS_NOTHING;
	struct err err;

	pthread_mutex_lock(&lock);
	while (push_next(&edge, &store, &cursor, &packet)) {
		assert_int_equal(chains_apply(chains, buf_str(&packet), &event, &err), 0);
		buf_clear(&packet);
	}
	pthread_mutex_unlock(&lock);
	assert_int_equal(event, CHAINS_UPDATED);
	buf_deinit(&packet);
}

static void
test_all_keys_and_versions(void **state)
{
	static const struct {
		const char *sni, *priority;
		int key;
	} cases[] = {
	    {"capulet.example", RIG_TLS13, KEY_ECDSA},
	    {"capulet.example", RIG_TLS12, KEY_ECDSA},
	    {"montague.example", RIG_TLS13, KEY_RSA},
	    {"montague.example", RIG_TLS12, KEY_RSA},
	    {"montague.example",
		RIG_TLS12
		":-SIGN-RSA-PSS-RSAE-SHA256:-SIGN-RSA-PSS-RSAE-SHA384:-SIGN-RSA-PSS-RSAE-SHA512",
		KEY_RSA},
	    {"verona.example", RIG_TLS13, KEY_ED25519},
	};
	struct tls_pair p = {.context = tls_context_new("xmpp-client")};
	struct chains *chains = chains_new(p.context);

	(void)state;
	cursor = (struct push_cursor){0};
	pull_list(chains);
	for (size_t i = 0; i < COUNT(cases); i++) {
		pair_shake(&p, cases[i].priority, cases[i].sni, "xmpp-client");
		pair_assert_open(&p);
		pair_assert_shown(&p, cases[i].key);
		pair_assert_talks(&p);
		pair_finish(&p);
	}
	assert_int_equal(edge_refused(&edge), 0);
	chains_free(&chains);
	tls_context_free(&p.context);
}

/* Ed25519 under TLS 1.2 signs other text than keyd is ready to sign. */
static void
test_ed25519_under_tls12(void **state)
{
	struct tls_pair p = {.context = tls_context_new(NULL)};
	struct chains *chains = chains_new(p.context);

	(void)state;
	cursor = (struct push_cursor){0};
	pull_list(chains);
	pair_shake(&p, RIG_TLS12, "verona.example", NULL);
	assert_int_equal(p.state, TLS_FAILED);
	assert_int_equal(edge.answered[KEYWIRE_BAD_DATA], 1);
	pair_finish(&p);
	chains_free(&chains);
	tls_context_free(&p.context);
}

/* --- workers ------------------------------------------------------------------------------------------------- */

#define N_HANDSHAKES 300

struct shake_job {
	struct tls_job job;
	struct tls_context *context;
	bool ok;
};

static int wake_pipe[2], n_done, n_ok;

static void
on_wake(void *ctx)
{
	(void)ctx;
	if (write(wake_pipe[1], "", 1) != 1)
		abort();
}

static void
on_run(struct tls_job *j)
{
	struct shake_job *job = CONTAINER_OF(j, struct shake_job, job);
	struct rig_client client;
	struct err err;
	struct tls *s = tls_new(job->context, S("capulet.example"));

	rig_client_start(&client, "NORMAL", NULL, NULL, NULL);
	job->ok = rig_shake(&client, s, &err) == TLS_OPEN && client.status == 0;
	rig_client_stop(&client);
	tls_free(&s);
}

static void
on_done(struct tls_job *j)
{
	n_done++;
	n_ok += CONTAINER_OF(j, struct shake_job, job)->ok;
}

static void
test_workers_while_certificates_change(void **state)
{
	struct tls_context *context = tls_context_new(NULL);
	struct chains *chains = chains_new(context);
	struct shake_job *jobs = mem_new_array(N_HANDSHAKES, sizeof *jobs);
	char c;

	(void)state;
	cursor = (struct push_cursor){0};
	pull_list(chains);
	assert_int_equal(pipe(wake_pipe), 0);
	struct tls_pool *pool = tls_pool_new(4, N_HANDSHAKES, on_wake, NULL);
	for (int i = 0; i < N_HANDSHAKES; i++) {
		jobs[i] =
		    (struct shake_job){.job = {.run = on_run, .done = on_done}, .context = context};
		assert_true(tls_pool_submit(pool, &jobs[i].job));
	}
	for (int i = 0; n_done < N_HANDSHAKES; i++) {
		put("capulet.example", i % 2 ? KEY_ECDSA : KEY_OTHER);
		pull_list(chains);
		if (read(wake_pipe[0], &c, 1) == 1)
			tls_pool_reap(pool);
	}
	assert_int_equal(n_ok, N_HANDSHAKES);
	tls_pool_free(&pool);
	free(jobs);
	chains_free(&chains);
	tls_context_free(&context);
	close(wake_pipe[0]);
	close(wake_pipe[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_keys_and_versions),
	    cmocka_unit_test(test_ed25519_under_tls12),
	    cmocka_unit_test(test_workers_while_certificates_change),
	};
	return cmocka_run_group_tests(tests, make_keyd, free_keyd);
}
