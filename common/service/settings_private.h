/* Shared by the files of settings. */
#pragma once

#include "service/settings.h"

/* What is wrong with a text, and where. */
struct settings_fault {
	int line;
	const char *what;
};

const struct setting *setting_find(const struct setting *table, const char *name);
int setting_word(const char *words, const char *word);

/* Puts blanks in the place of comments, lines stay where they are; -1 for what libconfuse would misunderstand in silence. */
int settings_text_prepare(char *text, struct settings_fault *fault_r);
