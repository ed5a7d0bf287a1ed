/* What a stream offers, by what has been reached: TLS, then SASL, then binding (INV-3, INV-8). */
#include "client.h"
#include "names.h"
#include "xml/writer.h"

static bool
tls_may_start(const struct client *c)
{
	return !c->tls;
}

static bool
sasl_may_start(const struct client *c)
{
	return c->tls || c->gate->settings.tls == LISTENER_OPTIONAL;
}

static void
add_mechanism(struct buf *out, const char *name, const char *suffix)
{
	if (buf_len(out))
		buf_add_c(out, ' ');
	buf_add_z(out, name);
	buf_add_z(out, suffix);
}

/* The -PLUS forms come first: a client takes the first it knows. PLAIN never in clear. */
void
features_mechanisms(struct client *c, struct buf *out)
{
	const struct setting_strings *m = &c2sd_settings(c->c2sd)->mechanisms;

	for (size_t i = 0; c->tls && !c->lacks_binding && i < m->n; i++)
		if (!str_is(str_z(m->v[i]), "PLAIN"))
			add_mechanism(out, m->v[i], "-PLUS");
	for (size_t i = 0; i < m->n; i++)
		if (c->tls || !str_is(str_z(m->v[i]), "PLAIN"))
			add_mechanism(out, m->v[i], "");
}

static void
write_starttls(struct client *c, struct xml_writer *w)
{
	xw_open(w, S(NS_TLS), S("starttls"));
	if (c->gate->settings.tls == LISTENER_REQUIRED)
		xw_leaf(w, S(""), "required", S(""));
	xw_close(w);
}

static void
write_mechanisms(struct client *c, struct xml_writer *w)
{
	struct buf names = {.data = NULL};
	struct str rest, name;

	features_mechanisms(c, &names);
	rest = buf_str(&names);
	xw_open(w, S(NS_SASL), S("mechanisms"));
	while (!str_empty(rest)) {
		str_split(rest, ' ', &name, &rest);
		xw_leaf(w, S(""), "mechanism", name);
	}
	xw_close(w);
	buf_deinit(&names);
}

static void
write_binding_type(struct xml_writer *w, const char *type)
{
	xw_open(w, S(""), S("channel-binding"));
	xw_attr(w, "type", str_z(type));
	xw_close(w);
}

/* XEP-0440 */
static void
write_bindings(struct client *c, struct xml_writer *w)
{
	struct buf data = {.data = NULL};

	if (!c->tls)
		return;
	xw_open(w, S(NS_SASL_CB), S("sasl-channel-binding"));
	if (tls_channel_exporter(c->tls, &data))
		write_binding_type(w, "tls-exporter");
	buf_clear(&data);
	if (tls_channel_end_point(c->tls, &data))
		write_binding_type(w, "tls-server-end-point");
	xw_close(w);
	buf_deinit(&data);
}

/* XEP-0478 */
static void
write_limits(struct client *c, struct xml_writer *w)
{
	struct buf number = {.data = NULL};

	buf_printf(&number, "%zu", client_limits(c).bytes);
	xw_open(w, S(NS_LIMITS), S("limits"));
	xw_leaf(w, S(""), "max-bytes", buf_str(&number));
	xw_close(w);
	buf_deinit(&number);
}

/* RFC 3921's session is offered as optional for old clients; sessiond answers its iq. */
static void
write_after_auth(struct xml_writer *w)
{
	xw_leaf(w, S(NS_BIND), "bind", S(""));
	xw_open(w, S(NS_SESSION), S("session"));
	xw_leaf(w, S(""), "optional", S(""));
	xw_close(w);
}

void
features_send(struct client *c)
{
	struct buf *out = client_out(c);
	struct xml_writer w;

	buf_add_z(out, "<stream:features>");
	xw_init(&w, out, S(NS_CLIENT));
	if (c->jid) {
		write_after_auth(&w);
	} else {
		if (tls_may_start(c))
			write_starttls(c, &w);
		if (sasl_may_start(c)) {
			write_mechanisms(c, &w);
			write_bindings(c, &w);
		}
	}
	write_limits(c, &w);
	buf_add_z(out, "</stream:features>");
	client_touch(c);
}
