"""RFC 6121 appendix A: each state of a subscription × each stanza, as the user sends it and as it then arrives at the contact, whose
state is the mirror image. A cell of the outbound tables (A.2) says whether the stanza is routed; where it is, the cell of the inbound
tables (A.3) for the mirrored state says whether it is delivered. Both rosters must be in the states that the tables name."""

import secrets

import pytest

from suite import Suite
from wire import CLIENT, SESSION, Wire

NS = f"{{{CLIENT}}}"
ROSTER = "{jabber:iq:roster}"

# A state: (to, from, pending out, pending in)
STATES = {
    "None": (0, 0, 0, 0), "None + Pending Out": (0, 0, 1, 0), "None + Pending In": (0, 0, 0, 1),
    "None + Pending Out+In": (0, 0, 1, 1), "To": (1, 0, 0, 0), "To + Pending In": (1, 0, 0, 1), "From": (0, 1, 0, 0),
    "From + Pending Out": (0, 1, 1, 0), "Both": (1, 1, 0, 0),
}

# A.2: state → (routed, new state)
OUTBOUND = {
    "subscribe": {  # A.2.1
        "None": (1, "None + Pending Out"), "None + Pending Out": (1, None), "None + Pending In": (1, "None + Pending Out+In"),
        "None + Pending Out+In": (1, None), "To": (1, None), "To + Pending In": (1, None), "From": (1, "From + Pending Out"),
        "From + Pending Out": (1, None), "Both": (1, None)},
    "unsubscribe": {  # A.2.2
        "None": (1, None), "None + Pending Out": (1, "None"), "None + Pending In": (1, None),
        "None + Pending Out+In": (1, "None + Pending In"), "To": (1, "None"), "To + Pending In": (1, "None + Pending In"),
        "From": (1, None), "From + Pending Out": (1, "From"), "Both": (1, "From")},
    "subscribed": {  # A.2.3; where it is not routed it approves in advance (§3.4)
        "None": (0, None), "None + Pending Out": (0, None), "None + Pending In": (1, "From"),
        "None + Pending Out+In": (1, "From + Pending Out"), "To": (0, None), "To + Pending In": (1, "Both"), "From": (0, None),
        "From + Pending Out": (0, None), "Both": (0, None)},
    "unsubscribed": {  # A.2.4
        "None": (0, None), "None + Pending Out": (0, None), "None + Pending In": (1, "None"),
        "None + Pending Out+In": (1, "None + Pending Out"), "To": (0, None), "To + Pending In": (1, "To"), "From": (1, "None"),
        "From + Pending Out": (1, "None + Pending Out"), "Both": (1, "To")},
}

# A.3: state → (delivered, new state)
INBOUND = {
    "subscribe": {  # A.3.1; where the sender has a subscription it is answered for the contact
        "None": (1, "None + Pending In"), "None + Pending Out": (1, "None + Pending Out+In"), "None + Pending In": (0, None),
        "None + Pending Out+In": (0, None), "To": (1, "To + Pending In"), "To + Pending In": (0, None), "From": (0, None),
        "From + Pending Out": (0, None), "Both": (0, None)},
    "unsubscribe": {  # A.3.2
        "None": (0, None), "None + Pending Out": (0, None), "None + Pending In": (1, "None"),
        "None + Pending Out+In": (1, "None + Pending Out"), "To": (0, None), "To + Pending In": (1, "To"), "From": (1, "None"),
        "From + Pending Out": (1, "None + Pending Out"), "Both": (1, "To")},
    "subscribed": {  # A.3.3
        "None": (0, None), "None + Pending Out": (1, "To"), "None + Pending In": (0, None),
        "None + Pending Out+In": (1, "To + Pending In"), "To": (0, None), "To + Pending In": (0, None), "From": (0, None),
        "From + Pending Out": (1, "Both"), "Both": (0, None)},
    "unsubscribed": {  # A.3.4
        "None": (0, None), "None + Pending Out": (1, "None"), "None + Pending In": (0, None),
        "None + Pending Out+In": (1, "None + Pending In"), "To": (1, "None"), "To + Pending In": (1, "None + Pending In"),
        "From": (0, None), "From + Pending Out": (1, "From"), "Both": (1, "From")},
}
CELLS = [(kind, state) for kind in OUTBOUND for state in STATES]


def mirror(state):
    to, from_, out, in_ = STATES[state]
    return next(name for name, s in STATES.items() if s == (from_, to, in_, out))


@pytest.fixture(scope="module")
def crowd():
    with Suite(settings={"authd": "\niterations = 4096\n"}) as suite:
        names = [f"{who}{i}@localhost" for i in range(len(CELLS)) for who in ("user", "contact")]
        suite.passwords.update((name, secrets.token_urlsafe(12)) for name in names)
        suite.ctl("user", "import", input="".join(f"{name} {suite.passwords[name]}\n" for name in names))
        yield suite


class Side:
    """One of the two, available, with the roster asked for."""

    def __init__(self, suite, jid, other):
        self.suite, self.jid, self.other = suite, jid, other
        self.wire = Wire.at(suite, SESSION, jid, "r")
        self.wire.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        self.wire.wait_for(lambda e: e.tag == NS + "presence" and e.get("from") == self.wire.jid)

    def sends(self, kind):
        self.wire.send(f"<presence to='{self.other}' type='{kind}'/>")

    def sees(self, kind):
        """Until such a presence of the other one has come."""
        self.wire.wait_for(lambda e: e.tag == NS + "presence" and e.get("type") == kind and e.get("from").startswith(self.other))

    def seen(self):
        """What has come about subscriptions since the last time."""
        self.settle()
        kinds = [e.get("type") for e in self.wire.elements if e.tag == NS + "presence"
                 and e.get("type") in OUTBOUND and e.get("from").startswith(self.other)]
        self.wire.elements.clear()
        return kinds

    def settle(self):
        """Behind whatever this side's roster is still being written for: a request that goes the same way."""
        for n in range(3):
            self.wire.send(f"<iq type='set' id='s{n}'><query xmlns='jabber:iq:private'><s xmlns='urn:s'/></query></iq>")
            kept = []
            while (element := self.wire.element()).get("id") != f"s{n}":
                kept.append(element)
            self.wire.elements[:0] = kept

    def roster(self):
        """(to, from, pending out) of the item, as the roster shows it."""
        with Wire.at(self.suite, SESSION, self.jid, "look") as wire:
            answer = wire.ask("<query xmlns='jabber:iq:roster'/>")
            item = next((i for i in answer.iter(ROSTER + "item") if i.get("jid") == self.other), None)
            subscription = item.get("subscription") if item is not None else "none"
            ask = item is not None and item.get("ask") == "subscribe"
            wire.send("</stream:stream>")
            wire.until(lambda: wire.is_over)
        return int(subscription in ("to", "both")), int(subscription in ("from", "both")), int(ask)

    def has_request(self):
        """Whether the other one's request is shown to a new session (§3.1.3)."""
        with Wire.at(self.suite, SESSION, self.jid, "again") as wire:
            wire.send("<presence/><iq type='get' id='end' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
            kinds = []
            while (element := wire.element()).get("id") != "end":
                kinds.append(element.get("type"))
            wire.send("</stream:stream>")
            wire.until(lambda: wire.is_over)
            return int("subscribe" in kinds)

    def state(self):
        to, from_, out = self.roster()
        return next(name for name, s in STATES.items() if s == (to, from_, out, self.has_request()))


def bring_to(state, user, contact):
    to, from_, out, in_ = STATES[state]
    if to or out:
        user.sends("subscribe")
        contact.sees("subscribe")
    if to:
        contact.sends("subscribed")
        user.sees("subscribed")
    if from_ or in_:
        contact.sends("subscribe")
        user.sees("subscribe")
    if from_:
        user.sends("subscribed")
        contact.sees("subscribed")
    for side in (user, contact, user):
        side.seen()


@pytest.mark.parametrize("number", range(len(CELLS)), ids=[f"A.2-A.3 {kind} in {state}" for kind, state in CELLS])
def test_rfc6121_appendix_a(crowd, number):
    kind, state = CELLS[number]
    a, b = f"user{number}@localhost", f"contact{number}@localhost"
    user, contact = Side(crowd, a, b), Side(crowd, b, a)
    bring_to(state, user, contact)
    assert user.state() == state
    assert contact.state() == mirror(state)

    user.sends(kind)
    user.settle()
    routed, after = OUTBOUND[kind][state]
    delivered, contact_after = INBOUND[kind][mirror(state)] if routed else (0, None)
    assert contact.seen() == [kind] * delivered
    assert user.state() == (after or state)
    assert contact.state() == (contact_after or mirror(state))
    user.wire.close()
    contact.wire.close()
