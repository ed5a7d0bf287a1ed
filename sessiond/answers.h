/* One small file for each thing that is asked by IQ; iq_table.c says who may ask what. */
#pragma once

#include "iq.h"

void disco_info_server(const struct iq *iq);
void disco_info_account(const struct iq *iq);
void disco_items_server(const struct iq *iq);
void disco_items_account(const struct iq *iq);
void disco_items_none(const struct iq *iq);
void ping_answer(const struct iq *iq);
void version_get(const struct iq *iq);
void time_get(const struct iq *iq);
void last_server(const struct iq *iq);
void last_account(const struct iq *iq);
void vcard_get(const struct iq *iq);
void vcard_set(const struct iq *iq);
void private_get(const struct iq *iq);
void private_set(const struct iq *iq);
void mam_query(const struct iq *iq);
void mam_form(const struct iq *iq);
void mam_metadata(const struct iq *iq);
void prefs_get(const struct iq *iq);
void prefs_set(const struct iq *iq);
void legacy_session_set(const struct iq *iq);
void blocking_get(const struct iq *iq);
void blocking_block(const struct iq *iq);
void blocking_unblock(const struct iq *iq);
void privacy_get(const struct iq *iq);
void privacy_set(const struct iq *iq);
void inband_get(const struct iq *iq);
void inband_set(const struct iq *iq);
void carbons_enable(const struct iq *iq);
void carbons_disable(const struct iq *iq);
