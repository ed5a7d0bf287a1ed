/* Things that a process may try, or not, in its working directory, which has a folder `data`. Each returns 0, or the errno of what
 * failed. */
#pragma once

int try_open_system(void);
int try_open_by_parents(void);
int try_create_outside_data(void);
int try_create_inside_data(void);
int try_execute_in_data(void);
int try_sqlite(void);
int try_inet(void);
int try_inet6_datagram(void);
int try_netlink(void);
int try_packet(void);
int try_unix_connect(void);
int try_exec(void);
int try_fork(void);
int try_thread(void);
int try_map_code(void);
int try_make_code(void);
int try_kill(void);
int try_ptrace(void);
int try_setuid(void);
int try_unshare(void);
int try_chroot(void);
int try_mount(void);
int try_dumpable(void);
int try_raise_limit(void);
int try_linger(void);
int try_linger_in_disguise(void);
int try_socket_options(void);
int try_terminal(void);
int try_io_uring(void);
int try_bpf(void);
int try_keyring(void);
int try_other_memory(void);
int try_daily_work(void);
int try_loop(void);
