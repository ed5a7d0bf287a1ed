/* Certificates from any bytes (DER): the names in them are read and compared without harm, and only a name that stands there is
 * found. */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "tls/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOMAIN "chat.example.org"

/* What says DOMAIN, without regard to case. */
static bool
says_it(const struct cert_name *name)
{
	static const char *const forms[] = {
	    DOMAIN, "*.example.org", "_xmpp-server.chat.example.org"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (name->text.n == strlen(forms[i]) &&
		    strncasecmp(name->text.p, forms[i], name->text.n) == 0)
			return true;
	/* An address of XMPP is prepared first: full width, a dot at the end. */
	return name->kind == CERT_XMPP;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char umlaut[] = "b\xc3\xbc"
				     "cher.example";
	const char *const others[] = {umlaut, "192.0.2.1", "[2001:db8::1]", "localhost"};
	struct cert_names names;
	bool said = false;

	if (cert_names_read(&names, str_of(data, size), NULL) < 0)
		return 0;
	assert(names.n <= CERT_NAMES_MAX);
	for (size_t i = 0; i < names.n; i++)
		said = said || says_it(&names.v[i]);
	if (cert_names_have(&names, S(DOMAIN)))
		assert(said);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)cert_names_have(&names, str_z(others[i]));
	cert_names_deinit(&names);
	return 0;
}
