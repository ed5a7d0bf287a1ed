/* Reading jackdaw.conf: names are prepared here, once, so that every daemon sees the same form. */
#include "service/suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/jid.h"
#include "base/arena.h"
#include "base/mem.h"

struct suite_settings {
	struct setting_strings domains, components, admins;
	const char *admin_group;
	bool registration;
	int64_t n_c2sd, n_s2sd, n_sessiond, port_offset, uid_base;
};

struct suite_file {
	struct suite_settings settings;
	struct settings_pool *pool;
	struct arena arena;
};

static int
check_domain(const char *value, struct err *err)
{
	struct jid_buf buf;
	struct str s;

	return jid_prepare_domain(&s, &buf, str_z(value))
	    ? 0
	    : err_set(err, "\"%s\" is no domain name", value);
}

static int
check_admin(const char *value, struct err *err)
{
	struct jid_buf buf;
	struct jid jid;

	if (jid_prepare(&jid, &buf, str_z(value)) && !str_empty(jid.local) && jid_is_bare(&jid))
		return 0;
	return err_set(err, "\"%s\" is no bare JID (user@domain)", value);
}

#define AT(member) offsetof(struct suite_settings, member)

static const struct setting TABLE[] = {
    {.name = "domains",
	.type = SETTING_LIST,
	.offset = AT(domains),
	.def = "{}",
	.max = 1023,
	.check = check_domain,
	.help = "Domains whose users log in here"},
    {.name = "components",
	.type = SETTING_LIST,
	.offset = AT(components),
	.def = "{}",
	.max = 1023,
	.check = check_domain,
	.help = "Names of external components; their secrets stand in componentd.conf"},
    {.name = "admins",
	.type = SETTING_LIST,
	.offset = AT(admins),
	.def = "{}",
	.max = 3071,
	.check = check_admin,
	.help = "Bare JIDs of users who may administer"},
    {.name = "admin_group",
	.at_start = true,
	.type = SETTING_STRING,
	.offset = AT(admin_group),
	.def = "",
	.max = 255,
	.help =
	    "Unix group whose members may use jackdawctl; empty: only root and the suite's owner"},
    SETTING_BOOL_ROW("registration", AT(registration), "false",
	"Anybody may make an account with a client (XEP-0077); authd.conf says how many from one source",
	.at_start = true),
    SETTING_INT_ROW(
	"c2sd", AT(n_c2sd), "1", 1, 64, "Processes for client connections", .at_start = true),
    SETTING_INT_ROW("s2sd", AT(n_s2sd), "0", 0, 64,
	"Processes for connections with other servers; 0: no federation", .at_start = true),
    SETTING_INT_ROW("sessiond", AT(n_sessiond), "1", 1, 64,
	"Shards of users; a new number takes effect when all are restarted together",
	.at_start = true),
    SETTING_INT_ROW("port_offset", AT(port_offset), "0", 0, 60000,
	"Added to every port, so that several suites can run side by side", .at_start = true),
    SETTING_INT_ROW("uid_base", AT(uid_base), "64100", 1, 2147483000,
	"First numeric user of a suite that root starts with --dir; each role has the next",
	.at_start = true),
    {.name = NULL},
};

/* The values were checked already. */
static int
prepare_domains(struct suite_file *f, struct setting_strings *list, const char *key, struct err *err)
{
	struct jid_buf buf;
	const char **v = arena_alloc(&f->arena, (list->n + 1) * sizeof(*v));

	for (size_t i = 0; i < list->n; i++) {
		struct str s;

		if (!jid_prepare_domain(&s, &buf, str_z(list->v[i])))
			bug("%s was taken for a domain", list->v[i]);
		v[i] = arena_z(&f->arena, s);
		for (size_t j = 0; j < i; j++)
			if (str_is(s, v[j]))
				return err_set(err, "%s: %s stands there twice", key, v[i]);
	}
	list->v = v;
	return 0;
}

static void
prepare_admins(struct suite_file *f)
{
	struct setting_strings *list = &f->settings.admins;
	const char **v = arena_alloc(&f->arena, (list->n + 1) * sizeof(*v));

	for (size_t i = 0; i < list->n; i++) {
		struct jid_buf buf;
		struct jid jid;

		if (!jid_prepare(&jid, &buf, str_z(list->v[i])))
			bug("%s was taken for a JID", list->v[i]);
		v[i] = arena_z(&f->arena, jid.full);
	}
	list->v = v;
}

/* A domain cannot be a component's too. */
static int
check_apart(const struct suite_settings *s, struct err *err)
{
	for (size_t i = 0; i < s->components.n; i++)
		for (size_t j = 0; j < s->domains.n; j++)
			if (strcmp(s->components.v[i], s->domains.v[j]) == 0)
				return err_set(err, "components: %s stands in domains too",
				    s->components.v[i]);
	return 0;
}

static int
prepare(struct suite_file *f, const char *file, struct err *err)
{
	prepare_admins(f);
	if (prepare_domains(f, &f->settings.domains, "domains", err) != 0 ||
	    prepare_domains(f, &f->settings.components, "components", err) != 0 ||
	    check_apart(&f->settings, err) != 0)
		return settings_err_where(f->pool, file, err);
	return 0;
}

static void
suite_fill(const struct suite_settings *s, struct suite *suite)
{
	*suite = (struct suite){
	    .domains = s->domains.v,
	    .n_domains = s->domains.n,
	    .components = s->components.v,
	    .n_components = s->components.n,
	    .admins = s->admins.v,
	    .n_admins = s->admins.n,
	    .admin_group = s->admin_group,
	    .registration = s->registration,
	    .n_c2sd = (unsigned)s->n_c2sd,
	    .n_s2sd = (unsigned)s->n_s2sd,
	    .n_sessiond = (unsigned)s->n_sessiond,
	    .port_offset = (int)s->port_offset,
	};
}

struct suite_file *
suite_parse(const char *file_name, const char *text, struct suite *suite_r, struct err *err)
{
	struct suite_file *f = NEW(struct suite_file);

	if (settings_parse(TABLE, &f->settings, file_name, text, &f->pool, err) != 0 ||
	    prepare(f, file_name, err) != 0) {
		suite_free(&f);
		return NULL;
	}
	suite_fill(&f->settings, suite_r);
	return f;
}

void
suite_free(struct suite_file **f)
{
	if (!*f)
		return;
	settings_free(&(*f)->pool);
	arena_deinit(&(*f)->arena);
	free(*f);
	*f = NULL;
}

int64_t
suite_uid_base(const struct suite_file *f)
{
	return f->settings.uid_base;
}

void
suite_pending(const struct suite_file *old, const struct suite_file *fresh, struct buf *names)
{
	settings_pending(TABLE, &old->settings, &fresh->settings, names);
}

void
suite_print(const struct suite_file *f, struct buf *out)
{
	settings_print(TABLE, &f->settings, out);
}

void
suite_sample(struct buf *out)
{
	settings_sample(TABLE, out);
}

void
suite_man(struct buf *out)
{
	settings_man(TABLE, out);
}

/* ---- what follows from it ---- */

static bool
is_listed(const char *const *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

bool
suite_is_admin(const struct suite *s, struct str bare)
{
	struct jid jid = jid_split(bare);

	return !str_empty(jid.local) && jid_is_bare(&jid) &&
	    is_listed(s->domains, s->n_domains, jid.domain) &&
	    is_listed(s->admins, s->n_admins, bare);
}
