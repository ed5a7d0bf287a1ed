/* crowd: strangers who come by the thousand, say nothing or half of something, and stay. test/faults/strangers starts it and talks to
 * it in lines:
 *
 *   on     all connect; who is turned away comes again after a while
 *   hold   nobody comes again any more
 *   off    all go
 *   count  answers "N connected, N turned away, N came, N could not come when they were due"
 *
 * The even ones come from many addresses, the odd ones from one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define EVENTS 256
#define COME_AGAIN_MS 5000
#define ONE_SOURCE 0x7f090909
#define MANY_SOURCES 0x7f400000
#define MANY 16384

struct stranger {
	int fd; /* -1: not connected */
	bool has_spoken;
	uint64_t due_ms; /* when it comes (again) */
};

static struct crowd {
	struct stranger *all;
	unsigned n, next, connected;
	uint64_t turned_away, came, missed;
	uint64_t started_us; /* up to when their starts are paid for */
	uint64_t step_us;    /* from one start to the next; 0: all who are due at once */
	uint16_t port;
	int epoll;
	bool coming, is_late; /* is_late: somebody was due at the last look, and may be still */
} crowd;

static const char *const words[] = {
    "",
    "<?xml version='1.0'?><stream:str",
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>",
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
};

static void
leave(struct stranger *s)
{
	close(s->fd);
	s->fd = -1;
	crowd.connected -= s->has_spoken;
	s->has_spoken = false;
}

static void
turn_away(struct stranger *s)
{
	leave(s);
	crowd.turned_away++;
	s->due_ms = clock_mono_ms() + COME_AGAIN_MS;
}

static void
come(struct stranger *s, unsigned i)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.u32 = i};
	int one = 1;

	crowd.came++;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0) {
		perror("crowd: socket");
		exit(1);
	}
	from.sin_addr.s_addr = htonl(i % 2 ? ONE_SOURCE : MANY_SOURCES + i / 2 % MANY);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(crowd.port);
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(s->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) ||
	    epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, s->fd, &e) != 0)
		turn_away(s);
}

static void
speak(struct stranger *s, unsigned i)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
	const char *text = words[i / 2 % COUNT(words)];

	s->has_spoken = true;
	crowd.connected++;
	if ((text[0] && send(s->fd, text, strlen(text), MSG_NOSIGNAL) < 0) ||
	    epoll_ctl(crowd.epoll, EPOLL_CTL_MOD, s->fd, &e) != 0)
		turn_away(s);
}

static void
on_event(unsigned i, uint32_t events)
{
	struct stranger *s = &crowd.all[i];
	char answer[4096];
	ssize_t n;

	if (s->fd < 0)
		return;
	if (events & (EPOLLERR | EPOLLHUP)) {
		turn_away(s);
		return;
	}
	if (!s->has_spoken && (events & EPOLLOUT))
		speak(s, i);
	if (s->fd < 0 || !(events & EPOLLIN))
		return;
	n = read(s->fd, answer, sizeof(answer));
	if (n == 0 || (n < 0 && errno != EAGAIN))
		turn_away(s);
}

static void
all_leave(void)
{
	for (unsigned i = 0; i < crowd.n; i++)
		if (crowd.all[i].fd >= 0)
			leave(&crowd.all[i]);
}

static void
command(const char *line)
{
	if (strcmp(line, "on\n") == 0) {
		crowd.coming = true;
	} else if (strcmp(line, "hold\n") == 0) {
		crowd.coming = false;
	} else if (strcmp(line, "off\n") == 0) {
		crowd.coming = false;
		all_leave();
	} else if (strcmp(line, "count\n") == 0) {
		printf("%u connected, %llu turned away, %llu came, %llu missed\n", crowd.connected,
		    (unsigned long long)crowd.turned_away, (unsigned long long)crowd.came,
		    (unsigned long long)crowd.missed);
		fflush(stdout);
	} else {
		exit(2);
	}
}

/* A line at a time: whoever starts us writes one and waits. */
static void
read_command(void)
{
	char line[64];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0)
		exit(0);
	line[n] = '\0';
	command(line);
}

/* The next one whose time has come; false: nobody's has. */
static bool
start_one(uint64_t now_ms)
{
	for (unsigned looked = 0; looked < crowd.n; looked++) {
		unsigned i = crowd.next;

		crowd.next = (crowd.next + 1) % crowd.n;
		if (crowd.all[i].fd < 0 && crowd.all[i].due_ms <= now_ms) {
			come(&crowd.all[i], i);
			return true;
		}
	}
	return false;
}

static void
start_some(void)
{
	uint64_t now = clock_mono_us(), step = crowd.step_us;

	while (!step && crowd.coming && start_one(now / 1000))
		;
	if (!step)
		return;
	/* What was missed is not made up for at once; nothing is while nobody is due. */
	if (now > crowd.started_us + 20 * step) {
		crowd.missed += crowd.is_late ? (now - crowd.started_us) / step - 20 : 0;
		crowd.started_us = now - 20 * step;
	}
	crowd.is_late = crowd.coming;
	while (crowd.is_late && crowd.started_us + step <= now) {
		crowd.is_late = start_one(now / 1000);
		crowd.started_us += step;
	}
}

static void
turn(void)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(crowd.epoll, events, EVENTS, 2);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u32 == crowd.n)
			read_command();
		else
			on_event(events[i].data.u32, events[i].events);
	}
	start_some();
}

int
main(int argc, char **argv)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct rlimit files;

	if (argc != 4) {
		fputs("usage: crowd PORT COUNT STARTS-PER-SECOND (0: all at once)\n", stderr);
		return 2;
	}
	if (strtoul(argv[3], NULL, 10) > 0)
		crowd.step_us = 1000000 / strtoul(argv[3], NULL, 10);
	crowd.port = (uint16_t)strtoul(argv[1], NULL, 10);
	crowd.n = e.data.u32 = (unsigned)strtoul(argv[2], NULL, 10);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	crowd.all = mem_new(crowd.n * sizeof(*crowd.all));
	for (unsigned i = 0; i < crowd.n; i++)
		crowd.all[i].fd = -1;
	crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e);
	for (;;)
		turn();
}
