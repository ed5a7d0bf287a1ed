/* SCRAM's grammar, strictly: attributes in their order, one letter each, never empty. */
#include "scram_parse.h"

/* A walk over comma-separated attributes. */
struct attributes {
	struct str rest;
	bool more;
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
attribute_next(struct attributes *a, char *name_r, struct str *value_r)
{
	struct str one;

	if (!a->more)
		return false;
	a->more = str_split(a->rest, ',', &one, &a->rest);
	if (one.n < 3 || !is_alpha(one.p[0]) || one.p[1] != '=')
		return false;
	*name_r = one.p[0];
	*value_r = str_from(one, 2);
	return true;
}

static bool
attribute_is(struct attributes *a, char name, struct str *value_r)
{
	char found;

	return attribute_next(a, &found, value_r) && found == name;
}

static bool
nonce_ok(struct str nonce)
{
	for (size_t i = 0; i < nonce.n; i++)
		if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e)
			return false;
	return true;
}

/* cb-name = 1*(ALPHA / DIGIT / "." / "-") */
static bool
binding_name_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!is_alpha(c) && !(c >= '0' && c <= '9') && c != '.' && c != '-')
			return false;
	}
	return !str_empty(name);
}

static bool
flag_parse(struct str flag, struct scram_first *r)
{
	if (str_is(flag, "n") || str_is(flag, "y")) {
		r->flag = flag.p[0];
		return true;
	}
	if (!str_starts(flag, S("p=")))
		return false;
	r->flag = 'p';
	r->binding = str_from(flag, 2);
	return binding_name_ok(r->binding);
}

/* What follows the attributes we know, up to `last` if there is one: other letters than those that
 * have their place. */
static bool
extensions_ok(struct attributes *a, char last, struct str *last_r)
{
	char name;
	struct str value;

	while (a->more) {
		if (!attribute_next(a, &name, &value))
			return false;
		if (last && name == last) {
			*last_r = value;
			return !a->more;
		}
		if (strchr("acmnpr", name))
			return false;
	}
	return !last;
}

static bool
text_ok(struct str message)
{
	return str_is_utf8(message) && str_find(message, '\0') == message.n;
}

bool
scram_parse_first(struct str message, struct scram_first *first_r)
{
	struct scram_first r = {0};
	struct attributes a = {.more = true};
	struct str flag, authzid;

	if (!text_ok(message) || !str_split(message, ',', &flag, &a.rest) ||
	    !flag_parse(flag, &r) || !str_split(a.rest, ',', &authzid, &a.rest))
		return false;
	if (!str_empty(authzid)) {
		if (!str_starts(authzid, S("a=")) || authzid.n < 3)
			return false;
		r.authzid = str_from(authzid, 2);
	}
	r.bare = a.rest;
	r.gs2_header = str_of(message.p, message.n - r.bare.n);
	if (!attribute_is(&a, 'n', &r.username) || !attribute_is(&a, 'r', &r.nonce) ||
	    !nonce_ok(r.nonce) || !extensions_ok(&a, 0, NULL))
		return false;
	*first_r = r;
	return true;
}

bool
scram_parse_final(struct str message, struct scram_final *final_r)
{
	struct scram_final r = {0};
	struct attributes a = {.rest = message, .more = true};

	if (!text_ok(message) || !attribute_is(&a, 'c', &r.binding) ||
	    !attribute_is(&a, 'r', &r.nonce) || !nonce_ok(r.nonce) ||
	    !extensions_ok(&a, 'p', &r.proof))
		return false;
	r.without_proof = str_of(message.p, message.n - r.proof.n - strlen(",p="));
	*final_r = r;
	return true;
}

bool
scram_unescape(struct str name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] != '=') {
			buf_add_c(out, name.p[i]);
		} else if (str_starts(str_from(name, i), S("=2C"))) {
			buf_add_c(out, ',');
			i += 2;
		} else if (str_starts(str_from(name, i), S("=3D"))) {
			buf_add_c(out, '=');
			i += 2;
		} else {
			return false;
		}
	}
	return !str_empty(name);
}
