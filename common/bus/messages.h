/* Structs, enum and descriptors made from messages.def. Strings and bytes in a decoded message are borrowed from the
 * frame; lists are walked with bus_list_next. */
/* table */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/jid.h"
#include "base/stanza.h"
#include "base/str.h"
#include "bus/role.h"

/* A list of records. Decoded: the validated bytes, read with bus_list_next. To encode: set items to an array of
 * structs and count; bytes is then ignored. */
struct bus_list {
	struct str bytes;
	const void *items;
	uint32_t count;
};

#define FT_u8 uint8_t
#define FT_u16 uint16_t
#define FT_u32 uint32_t
#define FT_u64 uint64_t
#define FT_i64 int64_t
#define FT_bool bool
#define FT_id struct id128
#define FT_token struct id128
#define FT_str struct str
#define FT_jid struct str
#define FT_bytes struct str
#define FT_xml struct str
#define FT_sealed struct str
#define FT_req uint64_t
#define FT_re uint64_t

#define F(kind, name, max) FT_##kind name;
#define F_REC(record, name) struct rec_##record name;
#define F_LIST(record, name, max) struct bus_list name;
#define F_STANZA(name) struct stanza name;

#define RECORD(name, fields) \
	struct rec_##name {  \
		fields       \
	};
#define BUS_RECORDS
#include "bus/messages.def"
#undef BUS_RECORDS
#undef RECORD

#define M(number, name, level, binding, from, to, doc, fields) \
	struct msg_##name {                                    \
		fields                                         \
	};
#define BUS_MESSAGES
#include "bus/messages.def"
#undef M

/* Any message, decoded. */
#define M(number, name, level, binding, from, to, doc, fields) struct msg_##name name;
union bus_any {
#include "bus/messages.def"
};
#undef M

#define M(number, name, level, binding, from, to, doc, fields) MSG_##name = number,
enum msg_type {
#include "bus/messages.def"
	MSG_TYPE_MAX = 128,
};
#undef M
#undef BUS_MESSAGES
#undef F
#undef F_REC
#undef F_LIST
#undef F_STANZA

enum bus_binding {
	BUS_BOUND,  /* addressed to one incarnation, dies with it */
	BUS_STABLE, /* addressed to a role, survives the receiver's death */
};

enum field_kind {
	FIELD_u8,
	FIELD_u16,
	FIELD_u32,
	FIELD_u64,
	FIELD_i64,
	FIELD_bool,
	FIELD_id,
	FIELD_token,
	FIELD_str,
	FIELD_jid,
	FIELD_bytes,
	FIELD_xml,
	FIELD_sealed,
	FIELD_req,
	FIELD_re,
	FIELD_record,
	FIELD_list,
};

struct bus_record;

/* Maxima of a stanza's parts: the largest stanza of any listener fits. */
#define BUS_STANZA_ID_MAX 65536
#define BUS_STANZA_LANG_MAX 65536
#define BUS_STANZA_PAYLOAD_MAX (768 * 1024)

struct bus_field {
	const char *name;
	enum field_kind kind;
	uint32_t offset; /* in the struct */
	uint32_t max;
	const struct bus_record *record; /* of record and list */
};

struct bus_record {
	const char *name;
	const struct bus_field *fields;
	uint32_t n_fields;
	uint32_t size; /* of the struct */
};

struct bus_message {
	uint16_t type;
	uint8_t level;
	enum bus_binding binding;
	uint32_t from, to; /* masks of 1 << role */
	const char *doc;
	struct bus_record body;
};

/* NULL when there is no such type. */
const struct bus_message *bus_message(unsigned type);
const struct bus_message *bus_message_at(unsigned index, unsigned *count_r);

/* Appends the body. A value over its maximum is our bug (aborts); strangers' data is limited before it comes here. */
void bus_encode(struct buf *out, const struct bus_message *m, const void *value);

/* Decodes a whole body into the struct at value_r (m->body.size bytes); total: false for anything but an exact,
 * in-range body. */
bool bus_decode(const struct bus_message *m, struct str body, void *value_r);

/* How many bytes bus_encode would append: for whoever fills pages up to BUS_FRAME_MAX - BUS_HEADER_BYTES. */
size_t bus_size(const struct bus_message *m, const void *value);
size_t bus_record_size(const struct bus_record *r, const void *record);

/* Next record of a decoded list (or of one that is made of items) into *record_r; false at the end. */
bool bus_list_next(struct bus_list *it, const struct bus_record *r, void *record_r);

/* Descriptors of the records, for bus_list_next: bus_record_target, bus_record_session … */
extern const struct bus_record bus_record_stanza;
#define RECORD(name, fields) extern const struct bus_record bus_record_##name;
#define BUS_RECORDS
#include "bus/messages.def"
#undef BUS_RECORDS
#undef RECORD

/* One line for people: NAME field=value …; bytes, xml and sealed as their length (INV-28). */
void bus_dump(struct buf *out, const struct bus_message *m, const void *value);

/* Hash over the wire form of all messages: two builds that agree on it understand each other. */
uint64_t bus_schema_hash(void);
