/* The scene's authd and storaged. */
#pragma once

#include "scene.h"

/* Answers or acknowledges a frame to them: true when it was theirs. */
bool scene_store_answers(struct scene *s, struct sent *f);
/* Those that were left open while they were down. */
void scene_store_retry(struct scene *s);
/* The next ticket is this user's. */
void scene_store_ticket(struct scene *s, struct str bare);
void scene_store_free(struct scene *s);
