/* Settings that make a new suite like another system's usual set-up: init --profile NAME. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Whether there is a profile of this name. */
bool profile_exists(const char *name);
/* Whether it is for a suite that talks with other servers. */
bool profile_federates(const char *name);
/* What it adds to a daemon's settings file; empty: nothing. profile NULL: none was asked for. */
struct str profile_text(const char *profile, const char *program);
/* All names, for people. */
extern const char profile_names[];
