/* What a stream offers, by what has been reached: TLS, then SASL, then binding (INV-3, INV-8). */
#include "names.h"
#include "negotiate.h"
#include "xml/writer.h"

bool
features_has_sasl(const struct client *c)
{
	return c->wire.tls || c->listener_tls == LISTENER_OPTIONAL;
}

static void
add_mechanism(struct buf *out, const char *name, const char *suffix)
{
	if (buf_len(out))
		buf_add_c(out, ' ');
	buf_add_z(out, name);
	buf_add_z(out, suffix);
}

static bool
is_plain(const char *mechanism)
{
	return str_is(str_z(mechanism), "PLAIN");
}

/* Who has shown a certificate of ours wants to use it (RFC 6120 §6.3.4). The -PLUS forms come first of the others: a client takes
 * the first it knows. PLAIN never in clear. */
void
features_mechanisms(const struct client *c, struct buf *out)
{
	const struct setting_strings *m = &c2sd_settings(c->c2sd)->mechanisms;

	if (external_is_possible(c))
		add_mechanism(out, "EXTERNAL", "");
	for (size_t i = 0; c->wire.tls && i < m->n; i++)
		if (!is_plain(m->v[i]))
			add_mechanism(out, m->v[i], "-PLUS");
	for (size_t i = 0; i < m->n; i++)
		if (c->wire.tls || !is_plain(m->v[i]))
			add_mechanism(out, m->v[i], "");
}

static void
write_starttls(const struct client *c, struct xml_writer *w)
{
	xw_open(w, S(NS_TLS), S("starttls"));
	if (c->listener_tls == LISTENER_REQUIRED)
		xw_leaf(w, S(""), "required", S(""));
	xw_close(w);
}

static void
write_mechanisms(const struct client *c, struct xml_writer *w)
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

/* XEP-0440: what this connection has. The element may not be empty. */
static void
write_bindings(const struct client *c, struct xml_writer *w)
{
	struct buf data = {.data = NULL};
	bool exporter, end_point;

	if (!c->wire.tls)
		return;
	exporter = tls_has_exporter(c->wire.tls);
	end_point = tls_channel_end_point(c->wire.tls, &data);
	buf_deinit(&data);
	if (!exporter && !end_point)
		return;
	xw_open(w, S(NS_SASL_CB), S("sasl-channel-binding"));
	if (exporter)
		write_binding_type(w, "tls-exporter");
	if (end_point)
		write_binding_type(w, "tls-server-end-point");
	xw_close(w);
}

static void
write_number(struct xml_writer *w, const char *name, uint64_t v)
{
	struct buf text = {.data = NULL};

	buf_printf(&text, "%llu", (unsigned long long)v);
	xw_leaf(w, S(""), name, buf_str(&text));
	buf_deinit(&text);
}

/* XEP-0478 */
static void
write_limits(const struct client *c, struct xml_writer *w)
{
	xw_open(w, S(NS_LIMITS), S("limits"));
	write_number(w, "max-bytes", stream_limits(c).bytes);
	if (c->state == CLIENT_BIND)
		write_number(w, "idle-seconds", (uint64_t)c2sd_settings(c->c2sd)->idle_seconds);
	xw_close(w);
}

/* RFC 3921's session is offered as optional for old clients; sessiond answers its iq. */
static void
write_after_auth(const struct client *c, struct xml_writer *w)
{
	xw_leaf(w, S(NS_BIND), "bind", S(""));
	xw_open(w, S(NS_SESSION), S("session"));
	xw_leaf(w, S(""), "optional", S(""));
	xw_close(w);
	xw_leaf(w, S(NS_SM), "sm", S(""));
	xw_raw(w, buf_str(&c->c2sd->offer.xml));
}

void
features_send(struct client *c)
{
	struct buf *out = wire_out(&c->wire);
	struct xml_writer w;

	buf_add_z(out, "<stream:features>");
	xw_init(&w, out, S(NS_CLIENT));
	if (c->state == CLIENT_BIND)
		write_after_auth(c, &w);
	else if (!c->wire.tls)
		write_starttls(c, &w);
	if (c->state != CLIENT_BIND && features_has_sasl(c)) {
		write_mechanisms(c, &w);
		write_bindings(c, &w);
		if (registration_is_open(c))
			xw_leaf(&w, S(NS_REGISTER_FEATURE), "register", S(""));
	}
	write_limits(c, &w);
	buf_add_z(out, "</stream:features>");
	client_touch(c);
}
