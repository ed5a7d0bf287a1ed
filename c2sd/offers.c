/* See offers.h. The last that any sessiond has said is in force: they are all of one kind. */
#include "offers.h"

#include "base/enc.h"
#include "names.h"
#include "tls/digest.h"

/* XEP-0115 §5.1: the hash of the string that sessiond's disco information makes. */
static void
keep_caps(struct offers *o, const struct msg_FEATURES *m)
{
	uint8_t hash[DIGEST_SHA1_BYTES];

	buf_clear(&o->caps_node);
	buf_clear(&o->caps_ver);
	if (str_empty(m->node) || !digest_sha1(m->caps, hash))
		return;
	buf_add_str(&o->caps_node, m->node);
	enc_base64(&o->caps_ver, str_of(hash, sizeof(hash)));
}

void
handle_features(void *ctx, const struct bus_in *in, const void *msg)
{
	const struct msg_FEATURES *m = msg;
	struct offers *o = &((struct c2sd *)ctx)->offers;

	(void)in;
	buf_clear(&o->features);
	buf_add_str(&o->features, m->features);
	keep_caps(o, m);
}

void
offers_write(const struct c2sd *c, struct xml_writer *w)
{
	const struct offers *o = &c->offers;

	xw_raw(w, buf_str(&o->features));
	if (buf_len(&o->caps_ver) == 0)
		return;
	xw_open(w, S(NS_CAPS), S("c"));
	xw_attr(w, "hash", S("sha-1"));
	xw_attr(w, "node", buf_str(&o->caps_node));
	xw_attr(w, "ver", buf_str(&o->caps_ver));
	xw_close(w);
}

void
offers_free(struct c2sd *c)
{
	buf_deinit(&c->offers.features);
	buf_deinit(&c->offers.caps_node);
	buf_deinit(&c->offers.caps_ver);
}
