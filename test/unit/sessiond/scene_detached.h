/* Stream management in scenes (XEP-0198). Included by scene.h. */
#pragma once

#include "scene.h"

/* XEP-0198: <enable resume='true'/>; <a/> for all up to k; the connection is lost; another one resumes with this h. */
void enables(struct scene *s, const char *name);
void acks(struct scene *s, const char *name, uint64_t k);
void loses(struct scene *s, const char *name);
void resumes(struct scene *s, const char *name, uint32_t h);
/* Its edge asks again for the same connection: the answer was lost with sessiond. */
void resumes_again(struct scene *s, const char *name, uint32_t h);
struct session *session_named(struct scene *s, const char *name);

/* Rows of detached sessions (scene_detached.c): true when it was about one. */
bool scene_detached_answers(struct scene *s, struct sent *f);
void scene_detached_free(struct scene *s);
/* RESUMED has come: the client has what it brings. */
void scene_resumed(struct scene *s, const struct sent *f);

/* romeo/orchard and juliet/balcony, friends; juliet's session can be resumed. */
struct scene *scene_of_two(void);

/* For the files of the scene. */
struct client *scene_client_by_conn(struct scene *s, const struct endpoint *edge, uint64_t conn);
void scene_write(struct scene *s, const struct stanza *stanza);
