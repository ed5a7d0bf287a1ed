/* See profiles.h. What a profile says stands behind the commented-out sample, where an operator finds and changes it. */
#include "profiles.h"

#include <string.h>

#include "base/mem.h"

const char profile_names[] = "fogbow";

/* docs/fogbow.md goes through it line by line. */
static const struct {
	const char *profile, *program;
	struct str text;
} parts[] = {
    {"fogbow", "componentd",
	S("\n# Profile fogbow: components may come from the intranet as well (component_interface = \"0.0.0.0\").\n"
	  "listener \"component\" {\n"
	  "\taddress = \"*\"\n"
	  "\tallow = {\"127.0.0.0/8\", \"::1\", \"10.0.0.0/8\", \"172.16.0.0/12\", \"192.168.0.0/16\", \"fc00::/7\", "
	  "\"fe80::/10\"}\n"
	  "}\n")},
    {"fogbow", "s2sd",
	S("\n# Profile fogbow: peers may have dialback alone (s2s_secure_auth = false); TLS where both have it.\n"
	  "policy = optional\n")},
    {"fogbow", "c2sd",
	S("\n# Profile fogbow: clients may come without TLS (c2s_require_encryption = false).\n"
	  "listener \"c2s\" {\n"
	  "\tport = 5222\n"
	  "\ttls = optional\n"
	  "}\n"
	  "listener \"c2s-direct\" {\n"
	  "\tport = 5223\n"
	  "\ttls = direct\n"
	  "}\n")},
};

bool
profile_exists(const char *name)
{
	for (size_t i = 0; i < COUNT(parts); i++)
		if (strcmp(parts[i].profile, name) == 0)
			return true;
	return false;
}

bool
profile_federates(const char *name)
{
	return !str_empty(profile_text(name, "s2sd"));
}

struct str
profile_text(const char *profile, const char *program)
{
	for (size_t i = 0; profile && i < COUNT(parts); i++)
		if (strcmp(parts[i].profile, profile) == 0 && strcmp(parts[i].program, program) == 0)
			return parts[i].text;
	return S("");
}
