/* See offer.h. */
#include "offer.h"

#include "base/enc.h"
#include "names.h"
#include "tls/digest.h"
#include "xml/writer.h"

static void
write_caps(struct xml_writer *w, const struct msg_FEATURES *m)
{
	uint8_t digest[DIGEST_SHA1_BYTES];
	struct buf ver = {.data = NULL};

	digest_sha1(m->caps, digest);
	enc_base64(&ver, str_of(digest, sizeof(digest)));
	xw_open(w, S(NS_CAPS), S("c"));
	xw_attr(w, "hash", S("sha-1"));
	xw_attr(w, "node", m->node);
	xw_attr(w, "ver", buf_str(&ver));
	xw_close(w);
	buf_deinit(&ver);
}

void
offer_take(struct offer *o, const struct msg_FEATURES *m)
{
	struct xml_writer w;

	buf_clear(&o->xml);
	buf_add_str(&o->xml, m->features);
	if (str_empty(m->caps))
		return;
	xw_init(&w, &o->xml, S(NS_CLIENT));
	write_caps(&w, m);
}

void
offer_deinit(struct offer *o)
{
	buf_deinit(&o->xml);
}
