/* `authd --repair` (jackdawctl repair authd): credentials.db, from what can be read of a damaged one. An account without its row is none, and
 * nobody inherits its credentials with its number. */
#include "repair.h"

#include "db/salvage.h"
#include "offline.h"
#include "store.h"

static const struct salvage_table tables[] = {
    SALVAGE_TABLE("account",
	"id, jid, domain, generation, notice, notice_generation, maker_incarnation, maker_request, created_us",
	"id", "id DESC", "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
    SALVAGE_TABLE("credential", "account, hash, iterations, salt, stored_key, server_key",
	"account, hash", "account DESC, hash DESC",
	"SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM account WHERE id = ?1)"),
    SALVAGE_TABLE("secret", "name, value", "name", "name DESC", "VALUES(?1, ?2)"),
    {.name = NULL},
};

static const struct salvage_plan plan = {
    .path = AUTHD_STORE, .schema = &store_schema, .tables = tables};

int
repair_start(struct daemon *d, struct err *err)
{
	db_global_init();
	if (salvage_file(&plan, err) != 0)
		return -1;
	/* What is missing in it is made, as in a new one. */
	return make_keys_start(d, err);
}
