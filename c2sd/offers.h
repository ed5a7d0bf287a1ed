/* What streams offer, once authenticated, of what sessiond does (message FEATURES). */
#pragma once

#include "c2sd.h"
#include "xml/writer.h"

void handle_features(void *ctx, const struct bus_in *in, const void *msg);
/* Into <stream:features>. */
void offers_write(const struct c2sd *c, struct xml_writer *w);
void offers_free(struct c2sd *c);
