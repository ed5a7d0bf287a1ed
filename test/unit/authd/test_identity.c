/* Who somebody is after SASL: the matrix of INV-7, names in other spellings (INV-27), and PLAIN's
 * rules. */
#include "sasl_rig.h"

#include <string.h>

#include "base/mem.h"
#include "roles.h"

static const char *const mechanisms[] = {"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS", "PLAIN"};

/* Whom the client authenticates as, on a stream to which domain, and what becomes of it without
 * authzid. */
static const struct who {
	const char *authcid, *password, *domain;
	const char *jid; /* NULL: refused */
} whos[] = {
    {"alice", "wonderland", "example.org", "alice@example.org"},
    {"bob", "builder", "example.org", "bob@example.org"},
    {"alice", "elsewhere", "other.example", "alice@other.example"},
    /* the same local part elsewhere is somebody else */
    {"alice", "elsewhere", "example.org", NULL},
    {"alice", "wonderland", "other.example", NULL},
    {"bob", "builder", "other.example", NULL},
    {"alice", "builder", "example.org", NULL},
    {"nobody", "wonderland", "example.org", NULL},
};

static const char *const authzids[] = {NULL, "alice@example.org", "bob@example.org",
    "alice@other.example", "alice@example.org/desk", "alice", "example.org", "admin@example.org",
    "alice@example.org@other.example"};

static enum sasl_condition
expected(const struct who *w, const char *authzid)
{
	struct buf self = {0};
	bool own;

	buf_printf(&self, "%s@%s", w->authcid, w->domain);
	own = !authzid || str_is(buf_str(&self), authzid);
	buf_deinit(&self);
	if (!own)
		return SASL_INVALID_AUTHZID;
	return w->jid ? SASL_NONE : SASL_NOT_AUTHORIZED;
}

static void
check_cell(const char *mechanism, const struct who *w, const char *authzid)
{
	struct rig_client c = {.mechanism = mechanism,
	    .authcid = w->authcid,
	    .password = w->password,
	    .authzid = authzid};
	struct sasl_terms terms = rig_terms(mechanism);
	enum sasl_condition want = expected(w, authzid);
	struct sasl s;

	terms.domain = str_z(w->domain);
	enum sasl_step step = rig_login(&s, &c, &terms);
	if (s.condition != want || step != (want == SASL_NONE ? STEP_SUCCESS : STEP_FAILURE))
		fail_msg("%s, %s at %s as %s: step %d, condition %d instead of %d", mechanism,
		    w->authcid, w->domain, authzid ? authzid : "itself", step, s.condition, want);
	/* The identity is the one whose key was proven, always in the stream's domain. */
	if (step == STEP_SUCCESS)
		assert_true(str_is(s.jid, w->jid));
	sasl_deinit(&s);
}

static void
test_inv_07_mechanism_by_identity(void **state)
{
	(void)state;
	for (size_t m = 0; m < COUNT(mechanisms); m++)
		for (size_t w = 0; w < COUNT(whos); w++)
			for (size_t z = 0; z < COUNT(authzids); z++)
				check_cell(mechanisms[m], &whos[w], authzids[z]);
}

/* A mechanism counts only if it was offered on this very stream. */
static const struct {
	const char *mechanism, *offered;
	bool tls;
	enum sasl_condition expected;
} offers[] = {
    {"PLAIN", "SCRAM-SHA-256 SCRAM-SHA-1", true, SASL_INVALID_MECHANISM},
    {"PLAIN", "", true, SASL_INVALID_MECHANISM},
    {"PLAIN", "SCRAM-SHA-1 XPLAIN PLAINX", true, SASL_INVALID_MECHANISM},
    {"PLAIN", "SCRAM-SHA-1 PLAIN", true, SASL_NONE},
    {"PLAIN", "PLAIN", false, SASL_ENCRYPTION_REQUIRED},
    {"SCRAM-SHA-1", "SCRAM-SHA-1", false, SASL_NONE},
    {"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", true, SASL_INVALID_MECHANISM},
    {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", true, SASL_INVALID_MECHANISM},
    {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-1-PLUS", false, SASL_ENCRYPTION_REQUIRED},
    {"scram-sha-1", "SCRAM-SHA-1", true, SASL_INVALID_MECHANISM},
    {"", "SCRAM-SHA-1 ", true, SASL_INVALID_MECHANISM},
    {"", "", true, SASL_INVALID_MECHANISM},
    {"EXTERNAL", "EXTERNAL", true, SASL_INVALID_MECHANISM},
    {"SCRAM-SHA-1 PLAIN", "SCRAM-SHA-1 PLAIN", true, SASL_INVALID_MECHANISM},
};

static void
test_inv_07_only_what_was_offered(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(offers); i++) {
		struct rig_client c = {
		    .mechanism = offers[i].mechanism, .authcid = "alice", .password = "wonderland"};
		struct sasl_terms terms = rig_terms(offers[i].mechanism);
		struct sasl s;

		terms.offered = str_z(offers[i].offered);
		terms.tls = offers[i].tls;
		rig_login(&s, &c, &terms);
		if (s.condition != offers[i].expected)
			fail_msg("%s of \"%s\": condition %d", offers[i].mechanism,
			    offers[i].offered, s.condition);
		sasl_deinit(&s);
	}
}

static void
test_inv_07_admin_is_a_whole_address(void **state)
{
	static const char *const admins[] = {"root@example.org", "alice@other.example"};
	static const char *const domains[] = {"example.org", "other.example"};
	const struct suite suite = {
	    .admins = admins, .n_admins = 2, .domains = domains, .n_domains = 2};
	static const struct {
		const char *jid;
		bool admin;
	} cases[] = {
	    {"root@example.org", true},
	    {"alice@other.example", true},
	    {"root@other.example", false},
	    {"root@remote.example", false},
	    {"alice@example.org", false},
	    {"root", false},
	    {"example.org", false},
	    {"root@example.orgx", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(suite_is_admin(&suite, str_z(cases[i].jid)), cases[i].admin);
	assert_true(is_user_domain(&suite, S("example.org")));
	assert_false(is_user_domain(&suite, S("remote.example")));
	assert_false(is_user_domain(&suite, S("")));
}

/* An address that was once an account's, under an administrator's domain that is none of ours any
 * more. */
static void
test_inv_07_admin_of_a_foreign_domain(void **state)
{
	static const char *const admins[] = {"root@remote.example"};
	static const char *const domains[] = {"example.org"};
	const struct suite suite = {
	    .admins = admins, .n_admins = 1, .domains = domains, .n_domains = 1};

	(void)state;
	assert_false(suite_is_admin(&suite, S("root@remote.example")));
}

static void
test_inv_27_spellings_of_one_name(void **state)
{
	static const char *const zoes[] = {
	    "zo\xc3\xab", "zoe\xcc\x88", "ZO\xc3\x8b", "\xef\xbd\x9ao\xc3\xab"};
	static const char *const passwords[] = {
	    "p\xc3\xa4ssw\xc3\xb6rd", "pa\xcc\x88sswo\xcc\x88rd"};

	(void)state;
	for (size_t i = 0; i < COUNT(zoes); i++) {
		for (size_t m = 0; m < COUNT(mechanisms); m++) {
			/* SCRAM clients prepare the password themselves; PLAIN sends what was
			 * typed */
			bool plain = strcmp(mechanisms[m], "PLAIN") == 0;
			struct rig_client c = {.mechanism = mechanisms[m],
			    .authcid = zoes[i],
			    .password = passwords[plain && i % 2]};
			struct sasl_terms terms = rig_terms(mechanisms[m]);
			struct sasl s;

			assert_int_equal(rig_login(&s, &c, &terms), STEP_SUCCESS);
			assert_true(str_is(s.jid, "zo\xc3\xab@example.org"));
			sasl_deinit(&s);
		}
	}
}

#define P(lit)                            \
	{                                 \
		("" lit), sizeof(lit) - 1 \
	}

static const struct {
	struct str message;
	enum sasl_condition expected;
} plains[] = {
    {P("\0alice\0wonderland"), SASL_NONE},
    {P("alice@example.org\0alice\0wonderland"), SASL_NONE},
    {P("ALICE@EXAMPLE.org\0Alice\0wonderland"), SASL_NONE},
    {P("bob@example.org\0alice\0wonderland"), SASL_INVALID_AUTHZID},
    {P("alice@example.org/x\0alice\0wonderland"), SASL_INVALID_AUTHZID},
    {P("alice\0alice\0wonderland"), SASL_INVALID_AUTHZID},
    {P("@@@\0alice\0wonderland"), SASL_INVALID_AUTHZID},
    {P("\0alice\0Wonderland"), SASL_NOT_AUTHORIZED},
    {P("\0alice\0wonderland "), SASL_NOT_AUTHORIZED},
    {P("\0alice@example.org\0wonderland"), SASL_NOT_AUTHORIZED},
    {P("\0alice"), SASL_MALFORMED_REQUEST},
    {P("alice\0wonderland"), SASL_MALFORMED_REQUEST},
    {P("\0alice\0"), SASL_MALFORMED_REQUEST},
    {P("\0\0wonderland"), SASL_MALFORMED_REQUEST},
    {P("\0alice\0wonder\0land"), SASL_MALFORMED_REQUEST},
    {P("\0alice\0wonderland\0"), SASL_MALFORMED_REQUEST},
    {P("\0ali\xff"
       "ce\0wonderland"),
	SASL_MALFORMED_REQUEST},
    {P("\0alice\0wonder\xffland"), SASL_MALFORMED_REQUEST},
    {P(""), SASL_MALFORMED_REQUEST},
    {P("\0\0"), SASL_MALFORMED_REQUEST},
};

static void
test_plain_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plains); i++) {
		struct sasl s = {0};
		struct sasl_terms terms = rig_terms("PLAIN");

		rig_go(&s, sasl_begin(&s, &rig_server, &terms, true, plains[i].message));
		if (s.condition != plains[i].expected)
			fail_msg("PLAIN message %zu: condition %d", i, s.condition);
		assert_int_equal(s.state, SASL_IS_OVER);
		sasl_deinit(&s);
	}
}

/* What a certificate says, whom the client asks for, and who it is then (NULL: nobody). */
static const struct {
	const char *certified, *authzid;
	const char *jid;
	enum sasl_condition expected;
} externals[] = {
    {"alice@example.org", "", "alice@example.org", SASL_NONE},
    {"alice@example.org", "alice@example.org", "alice@example.org", SASL_NONE},
    {"alice@example.org", "Alice@EXAMPLE.org", "alice@example.org", SASL_NONE},
    {"alice@example.org", "bob@example.org", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org", "alice@other.example", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org", "alice@example.org/desk", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org", "alice", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org", "@@", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org bob@example.org", "", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org bob@example.org", "bob@example.org", "bob@example.org", SASL_NONE},
    {"alice@example.org bob@example.org", "zoe@example.org", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org alice@other.example", "", NULL, SASL_INVALID_AUTHZID},
    {"alice@example.org alice@other.example", "alice@other.example", NULL, SASL_INVALID_AUTHZID},
    /* of another domain, without an account, nobody at all, and what no honest edge says */
    {"alice@other.example", "", NULL, SASL_NOT_AUTHORIZED},
    {"nobody@example.org", "", NULL, SASL_NOT_AUTHORIZED},
    {"nobody@example.org", "nobody@example.org", NULL, SASL_NOT_AUTHORIZED},
    {"", "", NULL, SASL_NOT_AUTHORIZED},
    {"", "alice@example.org", NULL, SASL_INVALID_AUTHZID},
    {"ALICE@example.org", "", NULL, SASL_NOT_AUTHORIZED},
    {"alice@example.org/desk", "", NULL, SASL_NOT_AUTHORIZED},
    {"example.org", "", NULL, SASL_NOT_AUTHORIZED},
    {" ", "", NULL, SASL_NOT_AUTHORIZED},
};

static void
check_external(const char *certified, const char *authzid, bool has_initial, const char *jid,
    enum sasl_condition expected)
{
	struct sasl_server server = rig_server;
	struct sasl_terms terms = rig_terms("EXTERNAL");
	struct sasl s = {0};

	server.takes_certificates = true;
	terms.offered = S("EXTERNAL " RIG_ALL_MECHANISMS);
	terms.certified = str_z(certified);
	enum sasl_step step = sasl_begin(&s, &server, &terms, has_initial, str_z(authzid));
	if (!has_initial) {
		assert_int_equal(step, STEP_CHALLENGE);
		assert_true(str_empty(sasl_output(&s)));
		step = sasl_answer(&s, str_z(authzid));
	}
	step = rig_go(&s, step);
	if (s.condition != expected || step != (jid ? STEP_SUCCESS : STEP_FAILURE))
		fail_msg("\"%s\" as \"%s\": step %d, condition %d", certified, authzid, step,
		    s.condition);
	if (jid)
		assert_true(str_is(s.jid, jid));
	sasl_deinit(&s);
}

static void
test_inv_07_who_a_certificate_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(externals); i++)
		for (int has_initial = 0; has_initial < 2; has_initial++)
			check_external(externals[i].certified, externals[i].authzid, has_initial,
			    externals[i].jid, externals[i].expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inv_07_mechanism_by_identity),
	    cmocka_unit_test(test_inv_07_only_what_was_offered),
	    cmocka_unit_test(test_inv_07_admin_is_a_whole_address),
	    cmocka_unit_test(test_inv_07_admin_of_a_foreign_domain),
	    cmocka_unit_test(test_inv_27_spellings_of_one_name),
	    cmocka_unit_test(test_plain_rules),
	    cmocka_unit_test(test_inv_07_who_a_certificate_is),
	};

	return cmocka_run_group_tests(tests, rig_setup, NULL);
}
