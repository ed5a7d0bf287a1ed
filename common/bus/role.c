/* Names of roles and of the conditions of SASL and of streams. */
#include "bus/role.h"

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_ROUTER] = "router",
    [ROLE_C2SD] = "c2sd",
    [ROLE_S2SD] = "s2sd",
    [ROLE_COMPONENTD] = "componentd",
    [ROLE_SESSIOND] = "sessiond",
    [ROLE_AUTHD] = "authd",
    [ROLE_STORAGED] = "storaged",
    [ROLE_CTL] = "ctl",
    [ROLE_KEYD] = "keyd",
};

/* RFC 6120 §6.5 */
static const char *const sasl_names[SASL_COUNT] = {
    [SASL_NONE] = "none",
    [SASL_ABORTED] = "aborted",
    [SASL_ACCOUNT_DISABLED] = "account-disabled",
    [SASL_CREDENTIALS_EXPIRED] = "credentials-expired",
    [SASL_ENCRYPTION_REQUIRED] = "encryption-required",
    [SASL_INCORRECT_ENCODING] = "incorrect-encoding",
    [SASL_INVALID_AUTHZID] = "invalid-authzid",
    [SASL_INVALID_MECHANISM] = "invalid-mechanism",
    [SASL_MALFORMED_REQUEST] = "malformed-request",
    [SASL_MECHANISM_TOO_WEAK] = "mechanism-too-weak",
    [SASL_NOT_AUTHORIZED] = "not-authorized",
    [SASL_TEMPORARY_AUTH_FAILURE] = "temporary-auth-failure",
};

/* RFC 6120 §4.9.3 */
static const char *const stream_names[STREAM_ERROR_COUNT] = {
    [STREAM_OK] = "ok",
    [STREAM_BAD_FORMAT] = "bad-format",
    [STREAM_BAD_NAMESPACE_PREFIX] = "bad-namespace-prefix",
    [STREAM_CONFLICT] = "conflict",
    [STREAM_CONNECTION_TIMEOUT] = "connection-timeout",
    [STREAM_HOST_GONE] = "host-gone",
    [STREAM_HOST_UNKNOWN] = "host-unknown",
    [STREAM_IMPROPER_ADDRESSING] = "improper-addressing",
    [STREAM_INTERNAL_SERVER_ERROR] = "internal-server-error",
    [STREAM_INVALID_FROM] = "invalid-from",
    [STREAM_INVALID_NAMESPACE] = "invalid-namespace",
    [STREAM_INVALID_XML] = "invalid-xml",
    [STREAM_NOT_AUTHORIZED] = "not-authorized",
    [STREAM_NOT_WELL_FORMED] = "not-well-formed",
    [STREAM_POLICY_VIOLATION] = "policy-violation",
    [STREAM_REMOTE_CONNECTION_FAILED] = "remote-connection-failed",
    [STREAM_RESET] = "reset",
    [STREAM_RESOURCE_CONSTRAINT] = "resource-constraint",
    [STREAM_RESTRICTED_XML] = "restricted-xml",
    [STREAM_SEE_OTHER_HOST] = "see-other-host",
    [STREAM_SYSTEM_SHUTDOWN] = "system-shutdown",
    [STREAM_UNDEFINED_CONDITION] = "undefined-condition",
    [STREAM_UNSUPPORTED_ENCODING] = "unsupported-encoding",
    [STREAM_UNSUPPORTED_FEATURE] = "unsupported-feature",
    [STREAM_UNSUPPORTED_STANZA_TYPE] = "unsupported-stanza-type",
    [STREAM_UNSUPPORTED_VERSION] = "unsupported-version",
};

static const char *
name_of(const char *const *names, unsigned count, unsigned i)
{
	return i < count ? names[i] : "unknown";
}

const char *
role_name(enum role role)
{
	return name_of(role_names, ROLE_COUNT, role);
}

int
role_parse(struct str name, enum role *role_r)
{
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		if (str_is(name, role_names[i])) {
			*role_r = (enum role)i;
			return true;
		}
	}
	return false;
}

const char *
sasl_condition_name(enum sasl_condition c)
{
	return name_of(sasl_names, SASL_COUNT, c);
}

const char *
stream_error_name(enum stream_error e)
{
	return name_of(stream_names, STREAM_ERROR_COUNT, e);
}
