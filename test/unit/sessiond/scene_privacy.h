/* Scenes with privacy lists. */
#pragma once

#include "block.h"
#include "scene.h"

#define MESSAGE "<message to='romeo@h/orchard' type='chat'><body>hi</body></message>"
#define PRESENCE "<presence><show>away</show></presence>"
#define DENY_JULIET "<item type='jid' value='juliet@h' action='deny' order='1'/>"

/* romeo, twice here, and juliet are friends; tybalt is nobody's. */
struct scene *scene_of_lists(void);
/* An IQ with the id "p". */
void asks_as(struct scene *s, const char *name, const char *type, const char *payload);
/* <query/> of XEP-0016 with this inside. */
void sets_lists(struct scene *s, const char *name, const char *inside);
void gets_lists(struct scene *s, const char *name, const char *inside);
/* Sets it, and it must go well. */
void has_list(struct scene *s, const char *name, const char *inside);
/* Does one get anything when the other says this? */
bool hears(struct scene *s, const char *to, const char *from, const char *stanza);
