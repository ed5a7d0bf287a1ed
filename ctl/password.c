/* See password.h. Called by user.c. */
#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/id.h"
#include "base/jid.h"

#define LINE_MAX_LEN 4096

static volatile sig_atomic_t interrupted;

/* Ends the read, so that the terminal gets its echo back. */
static void
on_interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

/* Byte by byte: what follows the line is not ours. */
static int
read_line(int fd, struct buf *out, struct err *err)
{
	char c;
	ssize_t n;

	/* Grown once: growing would leave copies of the secret behind. */
	buf_reserve(out, LINE_MAX_LEN + 1);
	while (buf_len(out) <= LINE_MAX_LEN) {
		do
			n = read(fd, &c, 1);
		while (n < 0 && errno == EINTR && !interrupted);
		if (n < 0 && interrupted)
			return err_set(err, "interrupted");
		if (n < 0)
			return err_set(err, "cannot read the password: %s", strerror(errno));
		if (n == 0 && buf_len(out) == 0)
			return err_set(err, "no password came; it is read from standard input");
		if (n == 0 || c == '\n')
			break;
		buf_add_c(out, c);
	}
	while (buf_len(out) > 0 && out->data[out->end - 1] == '\r')
		out->end--;
	return 0;
}

int
password_check(struct str password, struct err *err)
{
	size_t n;

	if (str_empty(password))
		return err_set(err, "the password is empty");
	if (password.n > PASSWORD_MAX)
		return err_set(err, "the password is longer than %d bytes", PASSWORD_MAX);
	if (!str_is_utf8(password))
		return err_set(err, "the password is not UTF-8 text");
	char *prepared = jid_prepare_password(password, &n);
	if (!prepared)
		return err_set(
		    err, "the password has characters that no client can send (RFC 8265)");
	secret_wipe(prepared, n);
	free(prepared);
	return 0;
}

static int
ask(int tty, const char *prompt_text, struct buf *out, struct err *err)
{
	if (write(tty, prompt_text, strlen(prompt_text)) < 0)
		return err_set(err, "cannot ask for the password: %s", strerror(errno));
	int rc = read_line(tty, out, err);
	if (write(tty, "\n", 1) < 0 && rc == 0)
		return err_set(err, "cannot ask for the password: %s", strerror(errno));
	return rc;
}

/* Twice, without echo; the terminal is as before afterwards, also after Ctrl-C. */
static int
prompt(int tty, struct buf *out, struct err *err)
{
	struct sigaction on_int = {.sa_handler = on_interrupt}, old;
	struct termios before, quiet;
	struct buf again = {0};

	if (tcgetattr(tty, &before) != 0)
		return err_set(err, "cannot ask for the password: %s", strerror(errno));
	sigaction(SIGINT, &on_int, &old);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	int rc = ask(tty, "Password: ", out, err);
	if (rc == 0)
		rc = ask(tty, "Again: ", &again, err);
	tcsetattr(tty, TCSAFLUSH, &before);
	sigaction(SIGINT, &old, NULL);
	if (rc == 0 && !secret_eq(buf_str(out), buf_str(&again)))
		rc = err_set(err, "the two passwords differ");
	buf_deinit_secret(&again);
	return rc;
}

int
password_read(struct buf *out, struct err *err)
{
	int rc;

	if (!isatty(STDIN_FILENO)) {
		rc = read_line(STDIN_FILENO, out, err);
	} else {
		int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
		rc = prompt(tty >= 0 ? tty : STDIN_FILENO, out, err);
		if (tty >= 0)
			close(tty);
	}
	return rc == 0 ? password_check(buf_str(out), err) : rc;
}

bool
password_split_line(struct str line, struct str *jid_r, struct str *password_r)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	*jid_r = *password_r = (struct str){0};
	struct str trimmed = str_trim(line);
	if (str_empty(trimmed) || trimmed.p[0] == '#')
		return true;
	while (line.p[0] == ' ' || line.p[0] == '\t')
		line = str_from(line, 1);
	if (!str_split(line, ' ', jid_r, password_r) && !str_split(line, '\t', jid_r, password_r))
		return false;
	return !str_empty(*password_r);
}
