/* Roles, levels and the small enums that messages carry. */
/* table */
#pragma once

#include <stdint.h>

#include "base/str.h"

/* Numbers are part of the wire form: append only. */
enum role {
	ROLE_ROUTER,
	ROLE_C2SD,
	ROLE_S2SD,
	ROLE_COMPONENTD,
	ROLE_SESSIOND,
	ROLE_AUTHD,
	ROLE_STORAGED,
	ROLE_CTL,
	ROLE_KEYD, /* not on the bus; here so that every daemon has a role */
	ROLE_COUNT,
};

#define BUS_ANY 0xffffffffu /* any role */
#define BUS_LEVEL_MAX 6
#define BUS_FRAME_MAX (1024 * 1024) /* header included */
#define BUS_HEADER_BYTES 70

const char *role_name(enum role role);
/* False when there is no such role. */
int role_parse(struct str name, enum role *role_r);

enum bus_error {
	BUS_ERROR_INTERNAL,
	BUS_ERROR_NOT_FOUND,
	BUS_ERROR_EXISTS,
	BUS_ERROR_FORBIDDEN,
	BUS_ERROR_BAD_REQUEST,
	BUS_ERROR_CONFLICT,
	BUS_ERROR_LIMIT, /* too many or too large: resource-constraint, not-acceptable */
	BUS_ERROR_FULL,  /* no room on the disk */
	BUS_ERROR_UNAVAILABLE,
	BUS_ERROR_NOT_ACCEPTABLE, /* right in form, but not what is wanted */
	BUS_ERROR_COUNT,
};

enum auth_outcome {
	AUTH_CHALLENGE,
	AUTH_SUCCESS,
	AUTH_FAILURE,
	AUTH_OUTCOME_COUNT,
};

/* RFC 6120 §6.5 */
enum sasl_condition {
	SASL_NONE,
	SASL_ABORTED,
	SASL_ACCOUNT_DISABLED,
	SASL_CREDENTIALS_EXPIRED,
	SASL_ENCRYPTION_REQUIRED,
	SASL_INCORRECT_ENCODING,
	SASL_INVALID_AUTHZID,
	SASL_INVALID_MECHANISM,
	SASL_MALFORMED_REQUEST,
	SASL_MECHANISM_TOO_WEAK,
	SASL_NOT_AUTHORIZED,
	SASL_TEMPORARY_AUTH_FAILURE,
	SASL_COUNT,
};
const char *sasl_condition_name(enum sasl_condition c);

/* RFC 6120 §4.9.3 */
enum stream_error {
	STREAM_OK, /* close without an error */
	STREAM_BAD_FORMAT,
	STREAM_BAD_NAMESPACE_PREFIX,
	STREAM_CONFLICT,
	STREAM_CONNECTION_TIMEOUT,
	STREAM_HOST_GONE,
	STREAM_HOST_UNKNOWN,
	STREAM_IMPROPER_ADDRESSING,
	STREAM_INTERNAL_SERVER_ERROR,
	STREAM_INVALID_FROM,
	STREAM_INVALID_NAMESPACE,
	STREAM_INVALID_XML,
	STREAM_NOT_AUTHORIZED,
	STREAM_NOT_WELL_FORMED,
	STREAM_POLICY_VIOLATION,
	STREAM_REMOTE_CONNECTION_FAILED,
	STREAM_RESET,
	STREAM_RESOURCE_CONSTRAINT,
	STREAM_RESTRICTED_XML,
	STREAM_SEE_OTHER_HOST,
	STREAM_SYSTEM_SHUTDOWN,
	STREAM_UNDEFINED_CONDITION,
	STREAM_UNSUPPORTED_ENCODING,
	STREAM_UNSUPPORTED_FEATURE,
	STREAM_UNSUPPORTED_STANZA_TYPE,
	STREAM_UNSUPPORTED_VERSION,
	STREAM_ERROR_COUNT,
};
const char *stream_error_name(enum stream_error e);

/* Why a session is not resumed, where more can be said than that it is not there (XEP-0198 §5, §6). */
enum resume_refusal {
	RESUME_ENDED,    /* it was there, and its time is over */
	RESUME_TOO_HIGH, /* the client acknowledges more than it was sent */
	RESUME_OFF,      /* no session can be resumed here */
	RESUME_REFUSALS,
};

/* What a stored value is; the key means what is said here. */
enum blob_space {
	BLOB_VCARD,   /* key empty: vcard-temp */
	BLOB_PRIVATE, /* key "name namespace": XEP-0049 */
	BLOB_LAST,    /* key empty: XEP-0012, when and with what status the last session ended */
	BLOB_PRIVACY, /* not used */
	BLOB_BLOCK,   /* key empty: privacy lists, the block list among them (sessiond) */
	BLOB_ARCHIVE, /* key empty: XEP-0441, what the user wants archived */
	BLOB_COUNT,
};

/* kind of an operation id (BUS.md §7): from this list, never a counter. */
enum op_kind {
	OP_STANZA, /* the stanza itself */
	OP_DELIVERY,
	OP_ARCHIVE_FROM,
	OP_ARCHIVE_TO,
	OP_OWED,
	OP_CARBON,
	OP_ROSTER,         /* change of the acting user's roster */
	OP_ROSTER_CONTACT, /* change of the contact's roster */
	OP_ROSTER_PUSH,
	OP_PRESENCE,
	OP_PROBE,
	OP_PROBE_ANSWER,
	OP_BOUNCE,
	OP_ANSWER, /* an iq result made by us */
	OP_BLOB,
	OP_OFFLINE_FLUSH,
	OP_SUBSCRIPTION, /* a subscription stanza passed on */
	OP_KIND_COUNT,
};
