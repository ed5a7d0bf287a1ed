/* What more than one test of a whole authd does and expects. */
#pragma once

#include "authd_rig.h"

void rig_expect_done(const struct rig_answer *a);
void rig_expect_failed(const struct rig_answer *a, enum bus_error error);
void rig_expect_auth(
    const struct rig_answer *a, enum auth_outcome outcome, enum sasl_condition condition);
/* sessiond asks whose ticket it is. */
const struct rig_answer *rig_redeem(struct id128 ticket, uint64_t incarnation, uint64_t conn);
/* c2sd's incarnation. */
uint64_t rig_edge(void);
/* Logs in and returns the ticket. */
struct id128 rig_log_in(uint64_t conn, const char *user, const char *password);
