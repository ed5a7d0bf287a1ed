"""XEP-0313 as bytes: queries on a Wire and what comes back."""

from wire import CLIENT, condition

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
FORM = "jabber:x:data"
FORWARD = "urn:xmpp:forward:0"
DELAY = "urn:xmpp:delay"


class Item:
    """One result."""

    def __init__(self, message):
        result = message.find(f"{{{MAM}}}result")
        forwarded = result.find(f"{{{FORWARD}}}forwarded")
        self.outer = message
        self.id, self.queryid = result.get("id"), result.get("queryid")
        self.stamp = forwarded.find(f"{{{DELAY}}}delay").get("stamp")
        self.stanza = forwarded.find(f"{{{CLIENT}}}message")
        self.body = self.stanza.findtext(f"{{{CLIENT}}}body")


class Page:
    """An answer: its items in the order in which they came, and what <fin/> says."""

    def __init__(self, items, answer):
        self.items = items
        self.answer = answer
        self.error = condition(answer.find(f"{{{CLIENT}}}error")) if answer.get("type") == "error" else None
        fin = answer.find(f"{{{MAM}}}fin")
        self.complete = fin is not None and fin.get("complete") == "true"
        self.set = None if fin is None else fin.find(f"{{{RSM}}}set")

    @property
    def bodies(self):
        return [i.body for i in self.items]

    @property
    def ids(self):
        return [i.id for i in self.items]

    def said(self, name):
        """Text of a child of RSM's <set/>."""
        return self.set.findtext(f"{{{RSM}}}{name}")


def field(name, *values):
    return f"<field var='{name}'>" + "".join(f"<value>{v}</value>" for v in values) + "</field>"


def query(fields="", rsm=None, inside="", queryid=None):
    form = f"<x xmlns='{FORM}' type='submit'>{field('FORM_TYPE', MAM)}{fields}</x>" if fields else ""
    attribute = f" queryid='{queryid}'" if queryid else ""
    paging = "" if rsm is None else f"<set xmlns='{RSM}'>{rsm}</set>"
    return f"<query xmlns='{MAM}'{attribute}>{form}{paging}{inside}</query>"


def ask(wire, payload, to=None):
    """A query and its page. Messages that are no results are left out."""
    address = f" to='{to}'" if to else ""
    wire.send(f"<iq type='set' id='mam'{address}>{payload}</iq>")
    items = []
    while True:
        element = wire.element()
        if element.find(f"{{{MAM}}}result") is not None:
            items.append(Item(element))
        elif element.tag == f"{{{CLIENT}}}iq" and element.get("id") == "mam":
            return Page(items, element)
