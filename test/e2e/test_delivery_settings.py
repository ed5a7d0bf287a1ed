"""What operators may set about delivery (REQUIREMENTS B-30, B-31)."""

from suite import Suite
from wire import CLIENT, SESSION, Wire, refused


def available(suite, jid, resource, priority):
    wire = Wire.at(suite, SESSION, jid, resource)
    wire.send(f"<presence><priority>{priority}</priority></presence>")
    wire.wait_for(lambda e: e.tag == f"{{{CLIENT}}}presence" and e.get("from") == wire.jid)
    return wire


def test_a_message_goes_to_all_resources_where_that_is_set():
    with Suite(settings={"sessiond": "\ndeliver_to_all_resources = true\n"}) as suite:
        suite.add_users("alice", "bob")
        with (Wire.at(suite, SESSION, "alice@localhost") as alice, available(suite, "bob@localhost", "desk", 5) as desk,
              available(suite, "bob@localhost", "phone", 0) as phone, available(suite, "bob@localhost", "never", -1) as never):
            alice.say("bob@localhost", "one", type="chat")
            assert [desk.hear(), phone.hear()] == ["one", "one"]
            alice.say(desk.jid, "two", type="chat")
            assert [desk.hear(), phone.hear()] == ["two", "two"]
            assert not [e for e in never.elements if e.tag == f"{{{CLIENT}}}message"]


def test_an_offline_store_that_is_full_tells_the_sender():
    with Suite(settings={"sessiond": "\noffline_max = 3\narchive = \"off\"\n"}) as suite:
        suite.add_users("alice", "bob")
        with Wire.at(suite, SESSION, "alice@localhost") as alice:
            for n in range(4):
                alice.say("bob@localhost", str(n), type="chat", id=f"m{n}")
            error = alice.wait_for(lambda e: e.get("type") == "error")
            assert (error.get("id"), error.get("from"), refused(error)) == ("m3", "bob@localhost", "service-unavailable")
        with Wire.at(suite, SESSION, "bob@localhost") as bob:
            bob.send("<presence/>")
            assert [bob.hear() for _ in range(3)] == ["0", "1", "2"]
