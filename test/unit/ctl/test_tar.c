/* ctl/tar.c: archives that tar reads, and that come back whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tar.h"

static int
memory(const void *p, size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, p, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* An archive of three files, read from the start. */
static int
archive(void)
{
	struct err err;
	int tar = memory("", 0), file = memory("content of b\n", 13);

	assert_int_equal(tar_write_text(tar, "a", S("alpha"), &err), 0);
	assert_int_equal(tar_write_file(tar, "folder/b", file, &err), 0);
	assert_int_equal(tar_write_text(tar, "empty", S(""), &err), 0);
	assert_int_equal(tar_write_end(tar, &err), 0);
	close(file);
	lseek(tar, 0, SEEK_SET);
	return tar;
}

static void
test_there_and_back(void **state)
{
	struct tar_member m;
	struct err err;
	char text[32] = "";
	int tar = archive(), out = memory("", 0);

	(void)state;
	assert_int_equal(tar_read_member(tar, &m, &err), 1);
	assert_string_equal(m.name, "a");
	assert_int_equal(m.size, 5);
	assert_int_equal(tar_read_content(tar, &m, -1, &err), 0);
	assert_int_equal(tar_read_member(tar, &m, &err), 1);
	assert_string_equal(m.name, "folder/b");
	assert_int_equal(tar_read_content(tar, &m, out, &err), 0);
	assert_int_equal(pread(out, text, sizeof(text), 0), 13);
	assert_string_equal(text, "content of b\n");
	assert_int_equal(tar_read_member(tar, &m, &err), 1);
	assert_int_equal(m.size, 0);
	assert_int_equal(tar_read_content(tar, &m, -1, &err), 0);
	assert_int_equal(tar_read_member(tar, &m, &err), 0);
	close(out);
	close(tar);
}

static void
test_long_names(void **state)
{
	struct tar_member m;
	struct err err;
	char name[230], too_long[300];
	int tar = memory("", 0);

	(void)state;
	memset(name, 'x', sizeof(name));
	name[140] = '/';
	name[sizeof(name) - 1] = '\0';
	memset(too_long, 'x', sizeof(too_long));
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(tar_write_text(tar, name, S("v"), &err), 0);
	assert_int_equal(tar_write_text(tar, too_long, S("v"), &err), -1);
	name[140] = 'x';
	assert_int_equal(tar_write_text(tar, name, S("v"), &err), -1);
	name[140] = '/';
	lseek(tar, 0, SEEK_SET);
	assert_int_equal(tar_read_member(tar, &m, &err), 1);
	assert_string_equal(m.name, name);
	close(tar);
}

/* Reads an archive to its end; 0, or -1 when something was wrong with it. */
static int
read_all(int tar)
{
	struct tar_member m;
	struct err err;
	int rc;

	while ((rc = tar_read_member(tar, &m, &err)) == 1)
		if (tar_read_content(tar, &m, -1, &err) != 0)
			return -1;
	return rc;
}

static void
test_damage_is_noticed(void **state)
{
	int tar = archive();
	char bytes[16384];
	ssize_t n = read(tar, bytes, sizeof(bytes));

	(void)state;
	close(tar);
	for (ssize_t cut = 0; cut < n - 1024; cut += 37) {
		int part = memory(bytes, (size_t)cut);
		assert_int_equal(read_all(part), -1);
		close(part);
	}
	for (unsigned i = 0; i < 512; i += 3) {
		bytes[i] ^= 0x10;
		int bad = memory(bytes, (size_t)n);
		assert_int_equal(read_all(bad), -1);
		close(bad);
		bytes[i] ^= 0x10;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
