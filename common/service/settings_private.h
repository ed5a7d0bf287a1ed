/* Shared by settings.c and settings_print.c. */
#pragma once

#include "service/settings.h"

const struct setting *setting_find(const struct setting *table, const char *name);
int setting_word(const char *words, const char *word);
