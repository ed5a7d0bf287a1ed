/* The end of a stream that carries stanzas, such that neither side sends again what the other one has (RFC 6120 §4.4, XEP-0198). */
#pragma once

#include "stream.h"

/* Says first what we have, and waits for the other side's last <a/> and its end; of a stream that carries none: stream_end.
 * Idempotent. */
void stream_finish(struct stream *s, enum stream_error error);
/* Of all in the list that are meant (NULL: of all). How many. */
unsigned stream_finish_all(struct list *streams, enum stream_error error,
    bool (*is_meant)(const struct stream *s, const void *ctx), const void *ctx);
/* Their </stream:stream> has come. */
void stream_over_there(struct stream *s);
/* Something that the end has waited for may be there. */
void stream_end_step(struct stream *s);
bool stream_is_ending(const struct stream *s);
