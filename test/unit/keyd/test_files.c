/* files.c, pair.c, selfsigned.c and store.c: what is made, what is refused and with which words. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "files.h"
#include "selfsigned.h"
#include "store.h"
#include "tls_rig.h"

static char folder_name[64];
static struct key_folder folder;

static int
make_folder(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(tls_global_init(&err), 0);
	snprintf(folder_name, sizeof folder_name, "/tmp/jackdaw-keys-XXXXXX");
	assert_non_null(mkdtemp(folder_name));
	assert_int_equal(files_open(&folder, folder_name, &err), 0);
	return 0;
}

static int
remove_folder(void **state)
{
	static const char *const names[] = {"a.example.key", "a.example.crt", "b.example.key",
	    "b.example.crt", "m\xc3\xbcller.example.key", "m\xc3\xbcller.example.crt",
	    ".a.example.key.new"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		unlinkat(folder.fd, names[i], 0);
	files_close(&folder);
	rmdir(folder_name);
	return 0;
}

static void
put(const char *name, const char *content)
{
	int fd = openat(folder.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static char *
get(const char *name)
{
	char *text = mem_new(PAIR_FILE_MAX);
	int fd = openat(folder.fd, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, PAIR_FILE_MAX - 1) > 0);
	close(fd);
	return text;
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(folder.fd, name, &st, 0), 0);
	return st.st_mode & 0777;
}

static gnutls_x509_crt_t
parse_cert(struct str pem)
{
	gnutls_datum_t data = {.data = (unsigned char *)pem.p, .size = (unsigned)pem.n};
	gnutls_x509_crt_t crt;

	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM), 0);
	return crt;
}

/* Verified by GnuTLS as a client would, with itself as the trust anchor. */
static unsigned
verify(gnutls_x509_crt_t crt, const char *host)
{
	gnutls_x509_trust_list_t trust;
	unsigned status;

	gnutls_x509_trust_list_init(&trust, 0);
	assert_int_equal(gnutls_x509_trust_list_add_cas(trust, &crt, 1, 0), 1);
	gnutls_typed_vdata_st purpose[] = {
	    {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)host, .size = 0},
	    {.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER,
		.size = 0},
	};
	assert_int_equal(
	    gnutls_x509_trust_list_verify_crt2(trust, &crt, 1, purpose, 2, 0, &status, NULL), 0);
	gnutls_x509_trust_list_deinit(trust, 0);
	return status;
}

static void
assert_has_san(gnutls_x509_crt_t crt, unsigned type, const char *value)
{
	char san[256];
	int rc = 0;

	for (unsigned i = 0; rc >= 0; i++) {
		size_t size = sizeof san;
		rc = gnutls_x509_crt_get_subject_alt_name(crt, i, san, &size, NULL);
		if (rc == GNUTLS_SAN_OTHERNAME) {
			size = sizeof san;
			rc = gnutls_x509_crt_get_subject_alt_othername_oid(crt, i, san, &size);
			size = sizeof san;
			if (rc == GNUTLS_SAN_OTHERNAME_XMPP)
				gnutls_x509_crt_get_subject_alt_name(crt, i, san, &size, NULL);
		}
		if (rc >= 0 && (unsigned)rc == type && size >= strlen(value) &&
		    memcmp(san, value, strlen(value)) == 0)
			return;
	}
	fail_msg("no name %s", value);
}

/* --- what is made -------------------------------------------------------------------------------------------- */

static void
test_made_on_first_use(void **state)
{
	struct pair pair;
	struct err err = {0};
	uint8_t serial[32], other[32];
	size_t n = sizeof serial, m = sizeof other;

	(void)state;
	assert_int_equal(files_load(&folder, "a.example", false, &pair, &err), FILES_NONE);
	assert_int_equal(files_load(&folder, "a.example", true, &pair, &err), FILES_MADE);
	assert_int_equal(pair.pk, GNUTLS_PK_ECDSA);
	assert_int_equal(pair.bits, 256);
	assert_true(pair.self_signed);
	assert_true(pair_pem_names(buf_str(&pair.chain_pem), "a.example"));
	assert_false(pair_pem_names(buf_str(&pair.chain_pem), "b.example"));
	assert_int_equal(mode_of("a.example.key"), 0600);
	assert_int_equal(mode_of("a.example.crt"), 0644);

	char *pem = get("a.example.crt");
	gnutls_x509_crt_t crt = parse_cert(str_z(pem));
	assert_int_equal(verify(crt, "a.example"), 0);
	assert_int_not_equal(verify(crt, "b.example"), 0);
	assert_has_san(crt, GNUTLS_SAN_DNSNAME, "a.example");
	assert_has_san(crt, GNUTLS_SAN_OTHERNAME_XMPP, "a.example");
	assert_true(gnutls_x509_crt_get_expiration_time(crt) > time(NULL) + 3640L * 86400);
	assert_int_equal(gnutls_x509_crt_get_serial(crt, serial, &n), 0);
	gnutls_x509_crt_deinit(crt);
	free(pem);
	pair_deinit(&pair);

	/* the second start finds them, and another domain has other ones */
	assert_int_equal(files_load(&folder, "a.example", true, &pair, &err), FILES_LOADED);
	pair_deinit(&pair);
	assert_int_equal(files_load(&folder, "b.example", true, &pair, &err), FILES_MADE);
	crt = parse_cert(buf_str(&pair.chain_pem));
	assert_int_equal(gnutls_x509_crt_get_serial(crt, other, &m), 0);
	assert_true(n == m && n == 16 && memcmp(serial, other, n) != 0);
	gnutls_x509_crt_deinit(crt);
	pair_deinit(&pair);
}

static void
test_international_domain(void **state)
{
	struct pair pair;
	struct err err = {0};

	(void)state;
	assert_int_equal(
	    files_load(&folder, "m\xc3\xbcller.example", true, &pair, &err), FILES_MADE);
	gnutls_x509_crt_t crt = parse_cert(buf_str(&pair.chain_pem));
	assert_has_san(crt, GNUTLS_SAN_DNSNAME, "xn--mller-kva.example");
	assert_has_san(crt, GNUTLS_SAN_OTHERNAME_XMPP, "m\xc3\xbcller.example");
	assert_int_equal(verify(crt, "xn--mller-kva.example"), 0);
	assert_true(pair_pem_names(buf_str(&pair.chain_pem), "m\xc3\xbcller.example"));
	gnutls_x509_crt_deinit(crt);
	pair_deinit(&pair);
}

static void
test_ip_address(void **state)
{
	static const char *const domains[] = {"192.0.2.7", "[2001:db8::7]"};
	struct buf key = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(selfsigned_make_key(&key, &err), 0);
	for (size_t i = 0; i < COUNT(domains); i++) {
		struct buf crt = {0};
		char san[32];
		size_t n = sizeof san;
		assert_int_equal(selfsigned_make_cert(&crt, buf_str(&key), domains[i], &err), 0);
		gnutls_x509_crt_t c = parse_cert(buf_str(&crt));
		assert_int_equal(gnutls_x509_crt_get_subject_alt_name(c, 0, san, &n, NULL),
		    GNUTLS_SAN_IPADDRESS);
		assert_int_equal(n, i == 0 ? 4 : 16);
		gnutls_x509_crt_deinit(c);
		buf_deinit(&crt);
	}
	buf_deinit(&key);
}

/* A crash between the two files leaves a key; it is kept. */
static void
test_key_without_certificate(void **state)
{
	struct pair pair;
	struct err err = {0};

	(void)state;
	put(".a.example.key.new", "torn");
	assert_int_equal(files_load(&folder, "a.example", true, &pair, &err), FILES_MADE);
	pair_deinit(&pair);
	char *before = get("a.example.key");
	assert_int_equal(unlinkat(folder.fd, "a.example.crt", 0), 0);
	assert_int_equal(files_load(&folder, "a.example", true, &pair, &err), FILES_MADE);
	pair_deinit(&pair);
	char *after = get("a.example.key");
	assert_string_equal(before, after);
	assert_int_equal(faccessat(folder.fd, ".a.example.key.new", F_OK, 0), -1);
	free(before);
	free(after);
}

/* --- what is refused ----------------------------------------------------------------------------------------- */

static void
assert_broken(const char *crt, const char *key, const char *word, const char *remedy)
{
	struct pair pair;
	struct err err = {0};

	unlinkat(folder.fd, "a.example.crt", 0);
	unlinkat(folder.fd, "a.example.key", 0);
	if (crt != NULL)
		put("a.example.crt", crt);
	if (key != NULL)
		put("a.example.key", key);
	assert_int_equal(files_load(&folder, "a.example", true, &pair, &err), FILES_BROKEN);
	if (strstr(err.text, word) == NULL || strstr(err.text, remedy) == NULL ||
	    strstr(err.text, folder_name) == NULL)
		fail_msg("no \"%s\" and \"%s\" in: %s", word, remedy, err.text);
}

static void
test_broken_pairs(void **state)
{
	struct rig_key one, two, small;
	char *large = mem_new(PAIR_FILE_MAX + 10);

	(void)state;
	rig_key_make(&one, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	rig_key_make(&two, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	rig_key_make(&small, GNUTLS_PK_RSA, 1024, "a.example", 0);
	memset(large, 'x', PAIR_FILE_MAX + 5);
	assert_broken(one.cert_pem, two.key_pem, "a.example.crt: the certificate does not belong",
	    "matching");
	assert_broken(one.cert_pem, NULL, "a.example.key is missing", "put it there");
	assert_broken("nonsense", one.key_pem, "a.example.crt: no certificate", "put the server's");
	assert_broken("", one.key_pem, "a.example.crt: no certificate", "put the server's");
	assert_broken(one.cert_pem, "nonsense", "a.example.key: no private key", "");
	assert_broken(one.key_pem, one.cert_pem, "a.example.crt", "");
	assert_broken(one.cert_pem, large, "a.example.key: larger", "65536");
	assert_broken(small.cert_pem, small.key_pem, "a.example.key: a key of the kind RSA-1024",
	    "take ECDSA");
	rig_key_free(&one);
	rig_key_free(&two);
	rig_key_free(&small);
	free(large);
}

static void
test_encrypted_key(void **state)
{
	struct rig_key one;
	gnutls_x509_privkey_t x;
	gnutls_datum_t pem;

	(void)state;
	rig_key_make(&one, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	gnutls_x509_privkey_init(&x);
	gnutls_datum_t plain = {
	    .data = (unsigned char *)one.key_pem, .size = (unsigned)strlen(one.key_pem)};
	assert_int_equal(gnutls_x509_privkey_import(x, &plain, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(
			     x, GNUTLS_X509_FMT_PEM, "sesame", GNUTLS_PKCS_PBES2_AES_256, &pem),
	    0);
	assert_broken(
	    one.cert_pem, (char *)pem.data, "a.example.key: the key is encrypted", "in the clear");
	gnutls_free(pem.data);
	gnutls_x509_privkey_deinit(x);
	rig_key_free(&one);
}

static void
test_names_that_are_none(void **state)
{
	static const char *const names[] = {"../a", "a/b", ".a", "..", ""};
	struct pair pair;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(names); i++)
		assert_int_equal(files_load(&folder, names[i], true, &pair, &err), FILES_BROKEN);
}

/* A .crt with the key in it, as some tools write: what the edges get has no key. */
static void
test_inv_28_no_key_in_the_chain(void **state)
{
	struct rig_key one;
	struct buf both = {0};
	struct pair pair;
	struct err err = {0};

	(void)state;
	rig_key_make(&one, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	buf_printf(&both, "%s%s", one.key_pem, one.cert_pem);
	assert_int_equal(pair_parse(&pair, buf_str(&both), buf_str(&both), "crt", "key", &err), 0);
	buf_add_c(&pair.chain_pem, '\0');
	assert_null(strstr(buf_str(&pair.chain_pem).p, "PRIVATE"));
	assert_non_null(strstr(buf_str(&pair.chain_pem).p, "BEGIN CERTIFICATE"));
	pair_deinit(&pair);
	buf_deinit(&both);
	rig_key_free(&one);
}

/* --- store.c ------------------------------------------------------------------------------------------------- */

static struct pair
pair_of(const struct rig_key *k)
{
	struct pair pair = {0};
	struct err err;

	assert_int_equal(
	    pair_parse(&pair, str_z(k->cert_pem), str_z(k->key_pem), "crt", "key", &err), 0);
	return pair;
}

static void
test_replaced_key_signs_a_while(void **state)
{
	struct rig_key one, two;
	struct store s, restarted;
	struct pair pair;

	(void)state;
	rig_key_make(&one, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	rig_key_make(&two, GNUTLS_PK_ECDSA, 256, "a.example", 0);
	store_init(&s);
	pair = pair_of(&one);
	store_put(&s, S("a.example"), &pair, 0);
	uint32_t first = store_find(&s, S("a.example"))->key->id;
	uint64_t generation = s.generation;
	uint8_t ticket[KEYWIRE_TICKET_SIZE];
	memcpy(ticket, s.ticket, sizeof ticket);

	pair = pair_of(&two);
	store_put(&s, S("a.example"), &pair, 1000);
	uint32_t second = store_find(&s, S("a.example"))->key->id;
	assert_true(first != second);
	assert_true(s.generation > generation);
	assert_true(memcmp(ticket, s.ticket, sizeof ticket) != 0);
	store_purge(&s, 1000 + STORE_RETIRE_MS - 1);
	assert_non_null(store_key(&s, first));
	store_purge(&s, 1000 + STORE_RETIRE_MS);
	assert_null(store_key(&s, first));
	assert_non_null(store_key(&s, second));

	/* the id is the same in another process */
	store_init(&restarted);
	pair = pair_of(&two);
	store_put(&restarted, S("a.example"), &pair, 0);
	assert_int_equal(store_find(&restarted, S("a.example"))->key->id, second);
	store_deinit(&restarted);
	store_deinit(&s);
	rig_key_free(&one);
	rig_key_free(&two);
}

/* One certificate for two domains: one key, which stays while one of them needs it. */
static void
test_shared_key(void **state)
{
	struct rig_key one;
	struct store s;
	struct pair pair;

	(void)state;
	rig_key_make(&one, GNUTLS_PK_RSA, 2048, "a.example", 0);
	store_init(&s);
	pair = pair_of(&one);
	store_put(&s, S("a.example"), &pair, 0);
	pair = pair_of(&one);
	store_put(&s, S("b.example"), &pair, 0);
	uint32_t id = store_find(&s, S("a.example"))->key->id;
	assert_int_equal(store_find(&s, S("b.example"))->key->id, id);
	assert_true(store_remove(&s, S("a.example"), 5));
	assert_false(store_remove(&s, S("a.example"), 5));
	store_purge(&s, 1000000);
	assert_non_null(store_key(&s, id));
	assert_true(store_remove(&s, S("b.example"), 1000000));
	store_purge(&s, 2000000);
	assert_null(store_key(&s, id));
	store_deinit(&s);
	rig_key_free(&one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_made_on_first_use, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(test_international_domain, make_folder, remove_folder),
	    cmocka_unit_test(test_ip_address),
	    cmocka_unit_test_setup_teardown(test_key_without_certificate, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(test_broken_pairs, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(test_encrypted_key, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(test_names_that_are_none, make_folder, remove_folder),
	    cmocka_unit_test(test_inv_28_no_key_in_the_chain),
	    cmocka_unit_test(test_replaced_key_signs_a_while),
	    cmocka_unit_test(test_shared_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
