/* Much at once, and how much of it came. Included by scene.h. */
#pragma once

/* A chat message of romeo/orchard; its body is i, a dot, and so many letters. */
void says_long(struct scene *s, const char *to, unsigned i, size_t bytes);
/* How often does the transcript have this text? Does not forget. */
unsigned count(struct scene *s, const char *text);
