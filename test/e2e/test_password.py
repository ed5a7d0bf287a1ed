"""XEP-0077 in a session: the password is changed, and nobody but authd has seen it."""

import asyncio

from chat import Client, clients
from suite import Suite


def test_a_password_is_changed_and_crosses_the_bus_sealed():
    secret = "Canary-7h3-n3w-0ne"
    with Suite() as suite:
        suite.add_user("alice@localhost")
        suite.ctl("log", "router", "debug")
        suite.ctl("log", "sessiond", "debug")

        async def change():
            async with clients(suite, "alice@localhost/a") as alice:
                iq = alice.make_iq_set(ito="localhost")
                iq.set_payload(slixmpp_query("alice", secret))
                await iq.send(timeout=20)

        async def login():
            client = await Client(suite, "alice@localhost/b", password=secret).login()
            await client.logout()
        asyncio.run(change())
        asyncio.run(login())
        assert all(secret not in text for text in suite.logs().values())
        # Where it was not sealed, sessiond refuses it; that is not what has happened.
        assert "not sealed" not in "".join(suite.logs().values())


def slixmpp_query(name, password):
    import xml.etree.ElementTree as et
    query = et.Element("{jabber:iq:register}query")
    et.SubElement(query, "{jabber:iq:register}username").text = name
    et.SubElement(query, "{jabber:iq:register}password").text = password
    return query
