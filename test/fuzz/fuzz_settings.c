/* Settings files against the table of each daemon; the first byte chooses it. What is taken is within its bounds: printed and
 * read again it is the same. What is refused is refused with a text that names the file. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "service/service.h"
#include "service/settings.h"
#include "service/suite.h"

#define SETTINGS_BYTES 4096 /* more than any table fills */

extern const struct setting authd_settings_table[], c2sd_settings_table[],
    componentd_settings_table[], keyd_settings_table[], sessiond_settings_table[],
    storaged_settings_table[];
int authd_check(const struct daemon *d, const void *settings, struct err *err);
int c2sd_check(const struct daemon *d, const void *settings, struct err *err);
int componentd_check(const struct daemon *d, const void *settings, struct err *err);

static const struct {
	const struct setting *table;
	int (*check)(const struct daemon *d, const void *settings, struct err *err);
} daemons[] = {
    {authd_settings_table, authd_check},
    {c2sd_settings_table, c2sd_check},
    {keyd_settings_table, NULL},
    {sessiond_settings_table, NULL},
    {storaged_settings_table, NULL},
    {componentd_settings_table, componentd_check},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect_error(const struct err *err)
{
	assert(strncmp(err->text, "x.conf:", 7) == 0);
	assert(str_is_utf8(str_z(err->text)) && !strchr(err->text, '\n'));
}

/* Secrets are printed as ***, which is read as any other secret. */
static void
check_again(const struct setting *table, struct str printed)
{
	struct err err = {.text = ""};
	struct settings_pool *pool = NULL;
	void *values = mem_new(SETTINGS_BYTES);
	struct buf again = {0}, text = {0};

	buf_add_str(&text, printed);
	buf_add_c(&text, '\0');
	if (settings_parse(table, values, "x.conf", (const char *)text.data, &pool, &err) != 0)
		bug("what was printed is refused: %s", err.text);
	settings_print(table, values, &again);
	assert(str_eq(buf_str(&again), printed));
	settings_free(&pool);
	buf_deinit(&again);
	buf_deinit(&text);
	free(values);
}

static void
daemon_reads(unsigned which, const char *text)
{
	const struct daemon d = {.name = "x"};
	struct err err = {.text = ""};
	struct settings_pool *pool = NULL;
	void *values = mem_new(SETTINGS_BYTES);
	struct buf printed = {0};

	if (settings_parse(daemons[which].table, values, "x.conf", text, &pool, &err) == 0) {
		settings_print(daemons[which].table, values, &printed);
		check_again(daemons[which].table, buf_str(&printed));
		if (daemons[which].check)
			(void)!daemons[which].check(&d, values, &err);
	} else {
		expect_error(&err);
	}
	settings_free(&pool);
	buf_deinit(&printed);
	free(values);
}

static void
suite_reads(const char *text)
{
	struct suite suite;
	struct err err = {.text = ""};
	struct suite_file *f = suite_parse("x.conf", text, &suite, &err);

	if (!f)
		expect_error(&err);
	suite_free(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	unsigned which = data[0] % (COUNT(daemons) + 1);
	struct buf text = {0};
	buf_add(&text, data + 1, size - 1);
	buf_add_c(&text, '\0');
	if (which == COUNT(daemons))
		suite_reads((const char *)text.data);
	else
		daemon_reads(which, (const char *)text.data);
	buf_deinit(&text);
	return 0;
}
