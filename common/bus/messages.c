/* The tables made from messages.def: fields, records, messages, and the hash over them. What is done with a table is
 * in codec.c.
 *
 * A field's offset needs the name of its struct, which the field macros of messages.def do not see; so offsets
 * are filled in once, before main, where a typedef can give each struct the same name. */
#include "bus/messages.h"

#include <stddef.h>

#include "base/mem.h"

/* ---- fields ---- */

#define F(kind, name, max) {#name, FIELD_##kind, 0, max, NULL},
#define F_REC(record, name) {#name, FIELD_record, 0, 0, &bus_record_##record},
#define F_LIST(record, name, max) {#name, FIELD_list, 0, max, &bus_record_##record},
#define F_STANZA(name) {#name, FIELD_record, 0, 0, &bus_record_stanza},

#define RECORD(name, fields) static struct bus_field fields_of_##name[] = {fields};
#define BUS_RECORDS
#include "bus/messages.def"
#undef BUS_RECORDS
#undef RECORD

#define M(number, name, level, binding, from, to, doc, fields) \
	static struct bus_field fields_of_##name[] = {fields};
#define BUS_MESSAGES
#include "bus/messages.def"
#undef BUS_MESSAGES
#undef M
#undef F
#undef F_REC
#undef F_LIST
#undef F_STANZA

#define STANZA_FIELD(kind, name, max)                                         \
	{                                                                     \
#name, FIELD_##kind, offsetof(struct stanza, name), max, NULL \
	}
static const struct bus_field fields_of_stanza[] = {
    STANZA_FIELD(u8, kind, STANZA_KIND_COUNT - 1),
    STANZA_FIELD(u8, type, TYPE_COUNT - 1),
    STANZA_FIELD(u8, priority, 0),
    STANZA_FIELD(u32, facts, 0),
    STANZA_FIELD(jid, from, JID_MAX),
    STANZA_FIELD(jid, to, JID_MAX),
    STANZA_FIELD(str, id, BUS_STANZA_ID_MAX),
    STANZA_FIELD(str, lang, BUS_STANZA_LANG_MAX),
    STANZA_FIELD(xml, payload, BUS_STANZA_PAYLOAD_MAX),
};

/* ---- offsets ---- */

static void
lay_out(struct bus_field *fields, const size_t *offsets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fields[i].offset = (uint32_t)offsets[i];
}

#define F(kind, name, max) offsetof(self, name),
#define F_REC(record, name) offsetof(self, name),
#define F_LIST(record, name, max) offsetof(self, name),
#define F_STANZA(name) offsetof(self, name),
#define LAY_OUT(type, name, ...)                                    \
	{                                                           \
		typedef struct type##_##name self;                  \
		const size_t offsets[] = {__VA_ARGS__};             \
		lay_out(fields_of_##name, offsets, COUNT(offsets)); \
	}
#define RECORD(name, fields) LAY_OUT(rec, name, fields)
#define M(number, name, level, binding, from, to, doc, fields) LAY_OUT(msg, name, fields)
__attribute__((constructor)) static void
lay_out_all(void) /* NOLINT(readability-function-size): one block per struct */
{
#define BUS_RECORDS
#define BUS_MESSAGES
#include "bus/messages.def"
#undef BUS_RECORDS
#undef BUS_MESSAGES
}
#undef RECORD
#undef M
#undef F
#undef F_REC
#undef F_LIST
#undef F_STANZA

/* ---- records and messages ---- */

#define RECORD(name, fields)                          \
	const struct bus_record bus_record_##name = { \
	    #name, fields_of_##name, COUNT(fields_of_##name), sizeof(struct rec_##name)};
#define BUS_RECORDS
#include "bus/messages.def"
#undef BUS_RECORDS
#undef RECORD

const struct bus_record bus_record_stanza = {
    "stanza", fields_of_stanza, COUNT(fields_of_stanza), sizeof(struct stanza)};

#define R(role) (1u << ROLE_##role)
#define M(number, name, level, binding, from, to, doc, fields) \
	{number, level, BUS_##binding, from, to, doc,          \
	    {#name, fields_of_##name, COUNT(fields_of_##name), sizeof(struct msg_##name)}},
static const struct bus_message messages[] = {
#define BUS_MESSAGES
#include "bus/messages.def"
#undef M
};

enum message_index {
#define M(number, name, level, binding, from, to, doc, fields) INDEX_##name,
#include "bus/messages.def"
#undef M
};

/* 1 + the place in messages[] */
static const uint8_t index_of[MSG_TYPE_MAX] = {
#define M(number, name, level, binding, from, to, doc, fields) [number] = 1 + INDEX_##name,
#include "bus/messages.def"
#undef M
#undef BUS_MESSAGES
};

const struct bus_message *
bus_message(unsigned type)
{
	return type < MSG_TYPE_MAX && index_of[type] ? &messages[index_of[type] - 1] : NULL;
}

const struct bus_message *
bus_message_at(unsigned index, unsigned *count_r)
{
	if (count_r)
		*count_r = COUNT(messages);
	return index < COUNT(messages) ? &messages[index] : NULL;
}

/* ---- hash ---- */

/* Raised when the header or the coding of a kind changes. */
#define WIRE_VERSION 1

/* FNV-1a */
static void
hash_add(uint64_t *h, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		*h = (*h ^ b[i]) * 0x100000001b3u;
}

static void
hash_add_number(uint64_t *h, uint64_t v)
{
	uint8_t b[8];
	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	hash_add(h, b, sizeof(b));
}

static void
hash_add_record(uint64_t *h, const struct bus_record *r)
{
	hash_add(h, r->name, strlen(r->name) + 1);
	hash_add_number(h, r->n_fields);
	for (uint32_t i = 0; i < r->n_fields; i++) {
		const struct bus_field *f = &r->fields[i];
		hash_add(h, f->name, strlen(f->name) + 1);
		hash_add_number(h, f->kind);
		hash_add_number(h, f->max);
		if (f->record)
			hash_add_record(h, f->record);
	}
}

uint64_t
bus_schema_hash(void)
{
	static uint64_t hash;
	if (hash)
		return hash;
	uint64_t h = 0xcbf29ce484222325u;
	hash_add_number(&h, WIRE_VERSION);
	for (size_t i = 0; i < COUNT(messages); i++) {
		const struct bus_message *m = &messages[i];
		hash_add_number(&h, m->type);
		hash_add_number(&h, m->level);
		hash_add_number(&h, m->binding);
		hash_add_number(&h, m->from);
		hash_add_number(&h, m->to);
		hash_add_record(&h, &m->body);
	}
	hash = h;
	return hash;
}
