/* Certificates and keys: files in the keys folder, and what a running keyd is told of them. */
#pragma once

#include "ctl.h"

/* Where keyd's settings say that they lie. */
const char *keys_path(const struct ctl *c);

/* A running keyd gets the domain's pair, or makes one and writes it there; without keyd that happens at its next start.
 * -1 with *err filled. */
int keys_offer(const struct ctl *c, struct str domain, struct err *err);
