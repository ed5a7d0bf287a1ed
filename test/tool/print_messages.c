/* Prints docs/messages.md from the tables of messages.def. */
#include <inttypes.h>
#include <stdio.h>

#include "bus/messages.h"

static const char *const kinds[] = {
    [FIELD_u8] = "u8",
    [FIELD_u16] = "u16",
    [FIELD_u32] = "u32",
    [FIELD_u64] = "u64",
    [FIELD_i64] = "i64",
    [FIELD_bool] = "bool",
    [FIELD_id] = "id",
    [FIELD_token] = "token",
    [FIELD_str] = "str",
    [FIELD_jid] = "jid",
    [FIELD_bytes] = "bytes",
    [FIELD_xml] = "xml",
    [FIELD_sealed] = "sealed",
    [FIELD_req] = "req",
    [FIELD_re] = "re",
    [FIELD_record] = "record",
    [FIELD_list] = "list",
};

static void
print_field(const struct bus_field *f)
{
	if (f->kind == FIELD_record)
		printf("%s (%s)", f->name, f->record->name);
	else if (f->kind == FIELD_list)
		printf("%s (up to %" PRIu32 " × %s)", f->name, f->max, f->record->name);
	else if (f->max)
		printf("%s (%s ≤ %" PRIu32 ")", f->name, kinds[f->kind], f->max);
	else
		printf("%s (%s)", f->name, kinds[f->kind]);
}

static void
print_fields(const struct bus_record *r)
{
	for (uint32_t i = 0; i < r->n_fields; i++) {
		if (i > 0)
			printf(", ");
		print_field(&r->fields[i]);
	}
}

static void
print_roles(uint32_t roles)
{
	const char *between = "";
	if (roles == BUS_ANY) {
		printf("any");
		return;
	}
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (!(roles & 1u << role))
			continue;
		printf("%s%s", between, role_name((enum role)role));
		between = ", ";
	}
}

static void
print_message(const struct bus_message *m)
{
	printf("### %u %s\n\n%s\n\n", m->type, m->body.name, m->doc);
	print_roles(m->from);
	printf(" → ");
	print_roles(m->to);
	if (m->level)
		printf("; level %u, %s", m->level, m->binding == BUS_BOUND ? "bound" : "stable");
	else
		printf("; control");
	printf(".\n\nFields: ");
	print_fields(&m->body);
	printf(".\n\n");
}

static void
print_record(const struct bus_record *r)
{
	printf("- **%s**: ", r->name);
	print_fields(r);
	printf(".\n");
}

static const char head[] =
    "# Messages of the bus\n\n"
    "Printed by `test/tool/print_messages` from `common/bus/messages.def`; `test/check/messages` compares. The rules are "
    "those of the bus protocol.\n\n"
    "A frame is a header of %d bytes and a body, together at most %d bytes, all integers little-endian. The header: "
    "length u32, type u16, level u8, flags u8 (1: withdrawn, no body), src u16, dst u16 (role << 8 | instance), src_inc "
    "u64, dst_inc u64, seq u64, floor u64, origin 16 bytes, n u64, kind u16.\n\n"
    "A body is its fields in order. u8, u16, u32, u64, i64: that many bits. bool: a byte, 0 or 1. id, token: 16 bytes; a "
    "token is secret. str, jid: u32 length, then UTF-8 without NUL. bytes, xml, sealed: u32 length, then bytes. req, re: u64, "
    "number of a request. A record is its fields; a list is a u32 count and its records. A receiver takes nothing "
    "but an exact body: no byte too few or too many, no value over its maximum.\n\n"
    "Roles, levels, binding: who may send it to whom; a handler sends only what has a higher level than what it "
    "handles; a bound message dies with the incarnation that it is addressed to, a stable one goes to the "
    "successor.\n\n";

int
main(void)
{
	unsigned count;
	printf(head, BUS_HEADER_BYTES, BUS_FRAME_MAX);
	puts("## Messages\n");
	bus_message_at(0, &count);
	for (unsigned i = 0; i < count; i++)
		print_message(bus_message_at(i, NULL));
	puts("## Records\n");
#define RECORD(name, fields) print_record(&bus_record_##name);
#define BUS_RECORDS
#include "bus/messages.def"
	print_record(&bus_record_stanza);
	return 0;
}
