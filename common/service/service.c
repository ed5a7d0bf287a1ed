/* The life of every daemon, in one order: options → log → settings → check → open what needs privilege → limits → chroot, groups,
 * user → no_new_privs → Landlock → threads → seccomp → own store → ready → link → loop → orderly stop.
 *
 * That is DESIGN.md §5 but for two places. Threads start behind Landlock: it, the capabilities and their bounding set belong to the
 * thread, and only a new one inherits them; seccomp is loaded for all threads at once (TSYNC). And the limits come before the change
 * of user, because raising one takes privilege.
 *
 * main ──▶ starting ──▶ ready ──▶ stopping ──▶ end; whatever fails while starting ends the process with one line. */
#include "service/service.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/paths.h"
#include "service/sandbox_private.h"
#include "service/skeleton.h"

#define WATCHDOG_MS 5000

static struct skeleton *
skeleton_of(struct daemon *d)
{
	return CONTAINER_OF(d, struct skeleton, daemon);
}

/* ---- start ---- */

/* Pid files of an installed suite lie with the role: only there may its user write. */
static char *
pid_folder(const struct skeleton *k)
{
	return k->options.dir ? path_run(k->options.dir) : path_role(NULL, k->daemon.service->role);
}

/* The right user is asked for first: another one must not write there. */
static int
check_user(const struct skeleton *k, struct err *err)
{
	struct privs p;

	if (privs_plan(&p, k->options.dir, k->daemon.service->role,
		suite_uid_base(k->loaded.suite_file), err) != 0)
		return -1;
	return privs_check_user(&p, k->daemon.name, err);
}

static int
enter_folder(struct skeleton *k, struct err *err)
{
	char *pids;
	int rc;

	if (check_user(k, err) != 0)
		return -1;
	pids = pid_folder(k);
	rc = pidfile_lock(pids, k->daemon.name, &k->pid_fd, err);
	free(pids);
	if (rc != 0)
		return -1;
	k->role_folder = path_role(k->options.dir, k->daemon.service->role);
	if (chdir(k->role_folder) != 0)
		return err_set(
		    err, "%s: %s; run \"jackdawctl init\" first", k->role_folder, strerror(errno));
	return 0;
}

static int
open_with_privilege(struct skeleton *k, struct err *err)
{
	struct daemon *d = &k->daemon;
	const struct service *s = d->service;

	if (enter_folder(k, err) != 0)
		return -1;
	k->notify_fd = notify_open();
	if (control_listen(d->instance, geteuid(), &k->control_fd, err) != 0)
		return -1;
	privs_lock_memory(s->sandbox);
	if (s->open && s->open(d, err) != 0)
		return -1;
	listen_fds_free(&d->listen_fds);
	d->loop = loop_new();
	return 0;
}

int
skeleton_drop(struct skeleton *k, struct err *err)
{
	const struct service *s = k->daemon.service;
	int64_t uid_base = suite_uid_base(k->loaded.suite_file);
	struct privs privs;

	if (privs_plan(&privs, k->options.dir, s->role, uid_base, err) != 0 ||
	    privs_check_user(&privs, k->daemon.name, err) != 0)
		return -1;
	if (privs.reduced)
		log_info(
		    "all daemons run as user %u: they are not isolated from each other by users",
		    (unsigned)geteuid());
	privs_limit(s->sandbox);
	return privs_drop(&privs, err) != 0 ? -1 : sandbox_landlock(s->sandbox, err);
}

static int
close_the_doors(struct skeleton *k, struct err *err)
{
	const struct service *s = k->daemon.service;

	if (skeleton_drop(k, err) != 0 || (s->threads && s->threads(&k->daemon, err) != 0))
		return -1;
	sandbox_trap_install();
	return sandbox_seccomp(s->sandbox, err);
}

static void
on_stop_signal(void *ctx)
{
	service_quit(ctx);
}

static void
on_hangup(void *ctx)
{
	(void)ctx;
	log_info(
	    "SIGHUP is ignored: a confined daemon cannot open its settings; use \"jackdawctl reload\"");
}

static void
on_watchdog(void *ctx)
{
	struct skeleton *k = ctx;

	notify_send(k->notify_fd, "WATCHDOG=1");
}

static void
watch_signals(struct skeleton *k)
{
	struct daemon *d = &k->daemon;

	k->signals[0] = loop_signal_new(d->loop, SIGTERM, on_stop_signal, d);
	k->signals[1] = loop_signal_new(d->loop, SIGINT, on_stop_signal, d);
	k->signals[2] = loop_signal_new(d->loop, SIGHUP, on_hangup, d);
}

static void
link_to_router(struct daemon *d)
{
	static struct bus_config config;

	if (!d->service->handlers)
		return;
	config = (struct bus_config){
	    .role = d->service->role,
	    .instance = (uint8_t)d->instance,
	    .socket_path = "router.sock",
	    .handlers = d->service->handlers,
	    .events = d->service->events,
	    .ctx = d->state,
	};
	d->bus = bus_new(d->loop, &config);
}

static int
go_to_work(struct skeleton *k, struct err *err)
{
	struct daemon *d = &k->daemon;

	watch_signals(k);
	service_hold(d);
	if (d->service->start && d->service->start(d, err) != 0)
		return -1;
	k->control = control_new(d->loop, k->control_fd, geteuid(), skeleton_control, k);
	link_to_router(d);
	k->watchdog = loop_timer_new(d->loop, on_watchdog, k);
	loop_timer_start(k->watchdog, WATCHDOG_MS, WATCHDOG_MS);
	service_ready(d);
	return 0;
}

/* ---- end ---- */

static void
shut_down(struct skeleton *k)
{
	struct daemon *d = &k->daemon;

	notify_send(k->notify_fd, "STOPPING=1");
	control_free(&k->control);
	if (k->watchdog)
		loop_timer_free(&k->watchdog);
	if (d->bus)
		bus_free(&d->bus);
	if (d->service->stop)
		d->service->stop(d);
	for (size_t i = 0; i < COUNT(k->signals); i++)
		if (k->signals[i])
			loop_signal_free(&k->signals[i]);
	loop_free(&d->loop);
	loaded_free(&k->loaded);
	loaded_free(&k->first);
	free(k->role_folder);
}

/* ---- what daemons call ---- */

void
service_hold(struct daemon *d)
{
	skeleton_of(d)->holds++;
}

void
service_ready(struct daemon *d)
{
	struct skeleton *k = skeleton_of(d);

	if (k->holds == 0)
		bug("%s is ready twice", d->name);
	if (--k->holds > 0 || k->state != RUN_STARTING)
		return;
	k->state = RUN_READY;
	notify_send(k->notify_fd, "READY=1");
	log_info("ready");
}

void
service_quit(struct daemon *d)
{
	struct skeleton *k = skeleton_of(d);

	if (k->state == RUN_STOPPING)
		return;
	if (k->state != RUN_DRAINING)
		log_info("stopping");
	if (k->state == RUN_READY && d->service->drain) {
		k->state = RUN_DRAINING;
		if (d->service->drain(d))
			return;
	}
	k->state = RUN_STOPPING;
	if (d->loop)
		loop_stop(d->loop);
}

/* What a process gets from whoever started it, made the same for all. */
static void
tidy_process(void)
{
	static const int IGNORED[] = {SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2};

	for (size_t i = 0; i < COUNT(IGNORED); i++)
		signal(IGNORED[i], SIG_IGN);
	umask(077);
	tzset(); /* opens a file, which must not happen later */
	/* An arena per thread would cost memory, and glibc counts processors in /sys for it, in the sandbox too. */
	mallopt(M_ARENA_MAX, 1);
}

static void
skeleton_init(struct skeleton *k, const struct service *s, int argc, char **argv)
{
	k->daemon.listen_fds = descriptors_tidy();
	tidy_process();
	id_init();
	k->daemon.service = s;
	k->pid_fd = k->control_fd = k->notify_fd = -1;
	options_parse(s, argc, argv, &k->options);
	k->daemon.instance = k->options.instance;
	k->daemon.dir = k->options.dir;
	snprintf(k->daemon.name, sizeof(k->daemon.name), "%s.%u", s->name, k->options.instance);
	log_set_name(k->daemon.name);
	k->started_ms = clock_mono_ms();
}

int
service_main(const struct service *s, int argc, char **argv)
{
	static struct skeleton k;
	struct err err = {.text = ""};

	skeleton_init(&k, s, argc, argv);
	if (k.options.mode >= MODE_SAMPLE)
		modes_print_tables(&k);
	if (loaded_from_files(&k, &k.loaded, &err) != 0)
		log_fatal("%s", err.text);
	k.daemon.suite = k.loaded.suite;
	k.daemon.settings = k.loaded.settings;
	modes_without_start(&k);
	if (open_with_privilege(&k, &err) != 0 || close_the_doors(&k, &err) != 0 ||
	    go_to_work(&k, &err) != 0)
		log_fatal("%s", err.text);
	/* One that was told to stop while it started has nothing to run. */
	if (k.state != RUN_STOPPING)
		loop_run(k.daemon.loop);
	shut_down(&k);
	return 0;
}
