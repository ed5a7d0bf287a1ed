/* Shared by the files of settings. */
#pragma once

#include "service/settings.h"

const struct setting *setting_find(const struct setting *table, const char *name);
int setting_word(const char *words, const char *word);

/* Puts blanks in the place of comments; lines stay where they are. */
void settings_blank_comments(char *text);
