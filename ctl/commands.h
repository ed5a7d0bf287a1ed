/* The functions behind the command table: argc and argv are the arguments behind the command's words, their number has been
 * checked; each returns the exit status. */
#pragma once

#include "ctl.h"

int init_run(struct ctl *c, int argc, char **argv);
int folders_run(struct ctl *c, int argc, char **argv);
int up_run(struct ctl *c, int argc, char **argv);
int down_run(struct ctl *c, int argc, char **argv);
int restart_run(struct ctl *c, int argc, char **argv);
int reload_run(struct ctl *c, int argc, char **argv);
int check_run(struct ctl *c, int argc, char **argv);
int status_run(struct ctl *c, int argc, char **argv);
int version_run(struct ctl *c, int argc, char **argv);
int log_run(struct ctl *c, int argc, char **argv);
int domain_add(struct ctl *c, int argc, char **argv);
int domain_del(struct ctl *c, int argc, char **argv);
int domain_list(struct ctl *c, int argc, char **argv);
int domain_check(struct ctl *c, int argc, char **argv);
int component_add(struct ctl *c, int argc, char **argv);
int component_del(struct ctl *c, int argc, char **argv);
int component_list(struct ctl *c, int argc, char **argv);
int component_kick(struct ctl *c, int argc, char **argv);
int cert_import(struct ctl *c, int argc, char **argv);
int cert_list(struct ctl *c, int argc, char **argv);
int user_add(struct ctl *c, int argc, char **argv);
int user_passwd(struct ctl *c, int argc, char **argv);
int user_del(struct ctl *c, int argc, char **argv);
int user_list(struct ctl *c, int argc, char **argv);
int user_import(struct ctl *c, int argc, char **argv);
int session_list(struct ctl *c, int argc, char **argv);
int session_kick(struct ctl *c, int argc, char **argv);
int archive_purge(struct ctl *c, int argc, char **argv);
int archive_export(struct ctl *c, int argc, char **argv);
int archive_stats(struct ctl *c, int argc, char **argv);
int s2s_list(struct ctl *c, int argc, char **argv);
int s2s_queue(struct ctl *c, int argc, char **argv);
int s2s_close(struct ctl *c, int argc, char **argv);
int s2s_retry(struct ctl *c, int argc, char **argv);
int route_add(struct ctl *c, int argc, char **argv);
int route_del(struct ctl *c, int argc, char **argv);
int route_list(struct ctl *c, int argc, char **argv);
int backup_run(struct ctl *c, int argc, char **argv);
int repair_run(struct ctl *c, int argc, char **argv);
int restore_run(struct ctl *c, int argc, char **argv);
