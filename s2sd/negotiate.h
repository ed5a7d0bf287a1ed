/* What happens on a stream besides stanzas: headers, features, TLS, proofs. */
#pragma once

#include "stream.h"

/* head.c */
extern const struct xml_events stream_events;
void stream_send_header(struct stream *s);
void stream_send_end(struct stream *s, enum stream_error error, const char *text);
/* From a handler that returns false: a new stream on the connection (RFC 6120 §4.3.3). */
void stream_restart(struct stream *s);
/* It begins: nothing of the old one is left; ours is the first header if we have connected. */
void stream_begin_again(struct stream *s);

/* negotiate.c: an element in the state of now. False: stop reading. */
bool negotiate_element(struct stream *s, const struct xml_element *e);

/* The handlers of elements; false: stop reading. */
bool features_take(struct stream *s, const struct xml_element *e);
bool starttls_begin(struct stream *s, const struct xml_element *e);
bool starttls_proceed(struct stream *s, const struct xml_element *e);
bool starttls_failure(struct stream *s, const struct xml_element *e);
bool external_auth(struct stream *s, const struct xml_element *e);
bool external_success(struct stream *s, const struct xml_element *e);
bool external_failure(struct stream *s, const struct xml_element *e);
bool dialback_result(struct stream *s, const struct xml_element *e);
bool dialback_verify(struct stream *s, const struct xml_element *e);
bool bidi_take(struct stream *s, const struct xml_element *e);
bool stanza_take(struct stream *s, const struct xml_element *e);

/* features.c: what an incoming stream is offered */
void features_send(struct stream *s);
/* Out: the next step, as far as the policy and the offers go. */
void features_go_on(struct stream *s);

/* starttls.c */
void starttls_handshake(struct stream *s);

/* external.c */
void external_begin(struct stream *s);
/* In: whether the peer's certificate says that it is `remote`; *why_r, if not. */
bool external_is_proved(const struct stream *s, struct str remote, struct err *why_r);

/* dialback.c: sends our key for the pair of the stream */
void dialback_begin(struct stream *s);
