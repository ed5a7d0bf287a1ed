/* The messages of a SCRAM client (RFC 5802 §7), cut into parts; nothing is decided here. Parts are
 * borrowed. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct scram_first {
	char flag;             /* gs2-cbind-flag: 'n', 'y' or 'p' */
	struct str binding;    /* 'p': the type's name */
	struct str gs2_header; /* all up to and with the second comma */
	struct str authzid;    /* as sent, to be unescaped; may be empty */
	struct str bare;       /* client-first-message-bare */
	struct str username;   /* as sent */
	struct str nonce;
};

struct scram_final {
	struct str binding; /* base64 */
	struct str nonce;
	struct str proof;         /* base64 */
	struct str without_proof; /* all before ",p=" */
};

/* False for anything that the grammar does not allow, and for a mandatory extension ("m="), of
 * which we know none. Optional extensions are passed over, as §5.1 wants it. */
bool scram_parse_first(struct str message, struct scram_first *first_r);
bool scram_parse_final(struct str message, struct scram_final *final_r);

/* saslname: "=2C" and "=3D" stand for comma and equals sign, no other use of "=" is right. False,
 * with some of it in out, when it is wrong or empty. */
bool scram_unescape(struct str name, struct buf *out);
