/* Which request goes to which file and function. Everything for one account runs in the order it came, per file. */
#include "accounts.h"
#include "archive.h"
#include "detached.h"
#include "page.h"
#include "retention.h"
#include "usage.h"

#define TO_FILE(function, file, exec, then)                                       \
	static void function(void *ctx, const struct bus_in *in, const void *msg) \
	{                                                                         \
		struct storaged *s = ctx;                                         \
		(void)msg;                                                        \
		job_submit(s, &s->file, in, exec, then);                          \
	}

TO_FILE(handle_store, archive, archive_store, NULL)
TO_FILE(handle_owed_fetch, archive, archive_owed_fetch, NULL)
TO_FILE(handle_owed_drop, archive, archive_owed_drop, NULL)
TO_FILE(handle_roster_get, main, roster_get, NULL)
TO_FILE(handle_roster_put, main, roster_put, NULL)
TO_FILE(handle_roster_del, main, roster_del, NULL)
TO_FILE(handle_blob_get, main, blob_get, NULL)
TO_FILE(handle_blob_put, main, blob_put, NULL)
TO_FILE(handle_detach, main, detached_put, detached_owed)
TO_FILE(handle_claim, main, detached_claim, detached_owed)
TO_FILE(handle_drop, main, detached_drop, detached_owed)
TO_FILE(handle_load, main, detached_load, NULL)
TO_FILE(handle_user_erase, archive, archive_erase, account_erase)

TO_FILE(handle_archive_purge, archive, archive_purge, NULL)
TO_FILE(handle_archive_stats_get, pages, archive_stats, NULL)

#define SESSIOND (1u << ROLE_SESSIOND)
#define CTL (1u << ROLE_CTL)

const struct bus_handler storaged_handlers[] = {
    {MSG_STORE, SESSIOND, handle_store},
    {MSG_OWED_FETCH, SESSIOND, handle_owed_fetch},
    {MSG_OWED_DROP, 0, handle_owed_drop},
    {MSG_ROSTER_GET, SESSIOND, handle_roster_get},
    {MSG_ROSTER_PUT, SESSIOND, handle_roster_put},
    {MSG_ROSTER_DEL, SESSIOND, handle_roster_del},
    {MSG_BLOB_GET, SESSIOND, handle_blob_get},
    {MSG_BLOB_PUT, SESSIOND, handle_blob_put},
    {MSG_ARCHIVE_QUERY, SESSIOND | CTL, handle_archive_query},
    {MSG_ARCHIVE_METADATA_GET, SESSIOND, handle_archive_metadata_get},
    {MSG_DETACH, 0, handle_detach},
    {MSG_CLAIM, SESSIOND, handle_claim},
    {MSG_DROP, 0, handle_drop},
    {MSG_LOAD, SESSIOND, handle_load},
    {MSG_USER_ERASE, SESSIOND, handle_user_erase},
    {MSG_ARCHIVE_PURGE, CTL, handle_archive_purge},
    {MSG_ARCHIVE_STATS_GET, CTL, handle_archive_stats_get},
    {0},
};
