"""Fogbow's manager and rendezvous as their servers see them (REQUIREMENTS 3.2, 3.3): the connection as jamppa makes it, byte for byte,
with its limits of time and its habits; the requests F-50 to F-60 with what their senders rely on."""

import collections
import itertools
import socket
import threading
import time
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

from component import COMPONENT, PORT, STANZAS, Component
from suite import PATIENCE
from wire import Ended

RENDEZVOUS = "http://fogbowcloud.org/rendezvous/"
MANAGER = "http://fogbowcloud.org/manager/"
RSM = "http://jabber.org/protocol/rsm"

CONNECT_SECONDS = 2 * PATIENCE  # F-25
RECONNECT_SECONDS = 5
FIRST_LOOK_SECONDS, IDLE_SECONDS = 15, 30  # F-24
ANSWER_SECONDS = 5 * PATIENCE  # F-37


def tag(name, ns=COMPONENT):
    return f"{{{ns}}}{name}"


class Refused(Exception):
    """An error came: its condition."""


class Library:
    """A component as jamppa runs it. It has a thread that reads, one that keeps the connection alive, and as many workers as needed."""

    def __init__(self, suite, name, secret):
        self.suite, self.name, self.secret = suite, name, secret
        self.waiting = {}  # (id, bare address) → the answer, once it is there
        self.changed = threading.Condition()
        self.handlers = {}  # namespace of a request → function(request, query): payload of the result
        self.handled = []  # ids of requests
        self.late = []  # results that nobody waits for: id, query
        self.connections, self.stopping, self.wire = 0, False, None
        self.ids = (f"{name}-{n}" for n in itertools.count(1))
        self.connect()
        threading.Thread(target=self.keep_alive, daemon=True).start()

    # ---- the connection ----

    def connect(self):
        host = getattr(self.suite, "host", "127.0.0.1")
        sock = socket.create_connection((host, PORT + self.suite.offset), CONNECT_SECONDS)
        wire = Component(sock, self.suite)
        wire.name = self.name
        wire.send(f'<stream:stream xmlns="{COMPONENT}" xmlns:stream="http://etherx.jabber.org/streams" to="{self.name}">')
        wire.until(lambda: wire.header is not None, CONNECT_SECONDS)
        # If it says who it is, that is what the library takes for its own domain (F-21).
        assert wire.header.get("from") == self.name
        assert wire.prove(self.secret) == "handshake"
        self.wire, self.written = wire, time.monotonic()
        self.connections += 1
        threading.Thread(target=self.read, args=(wire,), daemon=True).start()

    def read(self, wire):
        """Whatever is no stanza, the end included, ends this thread, and nobody is told (F-23, F-26)."""
        try:
            while True:
                try:
                    element = wire.element(1)
                except TimeoutError:
                    continue
                if element.tag not in STANZAS:
                    return
                threading.Thread(target=self.take, args=(element,), daemon=True).start()
        except (Ended, OSError, ET.ParseError):
            pass

    def keep_alive(self):
        """A blank when it has been idle: only when that fails is the connection made again."""
        time.sleep(FIRST_LOOK_SECONDS)
        while not self.stopping:
            if time.monotonic() - self.written >= IDLE_SECONDS / 2:
                try:
                    self.send(" ")
                except OSError:
                    self.connect_again()
            time.sleep(1)

    def connect_again(self):
        while not self.stopping:
            try:
                return self.connect()
            except (OSError, Ended, TimeoutError, AssertionError):
                time.sleep(RECONNECT_SECONDS)

    def send(self, text):
        self.written = time.monotonic()
        self.wire.send(text)

    def stop(self):
        self.stopping = True
        self.wire.close()

    # ---- stanzas ----

    def take(self, element):
        if element.tag != tag("iq"):
            return
        if element.get("type") in ("result", "error"):
            self.take_answer(element)
        else:
            self.take_request(element)

    def take_answer(self, element):
        """By id and bare address (F-35)."""
        key = element.get("id"), element.get("from").split("/")[0]
        with self.changed:
            if key in self.waiting:
                self.waiting[key] = element
            else:
                self.late.append(element)
            self.changed.notify_all()

    def take_request(self, element):
        query = element[0]
        ns = query.tag[1:].split("}")[0]
        handler = self.handlers.get((element.get("type"), ns))
        self.handled.append(element.get("id"))
        assert query.tag == tag("query", ns)
        try:
            answer = handler(element, query) if handler else None
        except Refused as refused:
            self.refuse(element.get("id"), element.get("from"), ET.tostring(query, encoding="unicode"), refused)
            return
        if answer is not None:
            self.result(element.get("id"), element.get("from"), ns, answer)

    def refuse(self, id, to, payload, condition):
        self.send(f"<iq type='error' id={quoteattr(id)} to='{to}' from='{self.name}'>{payload}<error type='cancel'>"
                  f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")

    def result(self, id, to, ns, content):
        self.send(f"<iq type='result' id={quoteattr(id)} to='{to}' from='{self.name}'><query xmlns='{ns}'>{content}</query></iq>")

    def ask(self, type, to, ns, content="", id=None):
        """A request that is waited for: the <query/> of its result."""
        id = id or next(self.ids)
        key = id, to.split("/")[0]
        with self.changed:
            self.waiting[key] = None
            self.tell(type, to, ns, content, id)
            assert self.changed.wait_for(lambda: self.waiting[key] is not None, ANSWER_SECONDS), f"{ns}: no answer"
            answer = self.waiting.pop(key)
        if answer.get("type") == "error":
            raise Refused(next(e.tag.split("}")[1] for e in answer.find(tag("error"))))
        return answer[0] if len(answer) else None

    def tell(self, type, to, ns, content, id):
        """One that is not."""
        query = f"<query xmlns='{ns}'>{content}</query>" if ns else f"<query>{content}</query>"
        self.send(f"<iq type='{type}' id={quoteattr(id)} to='{to}' from='{self.name}'>{query}</iq>")

    def wait_late(self, id, seconds):
        with self.changed:
            assert self.changed.wait_for(lambda: any(e.get("id") == id for e in self.late), seconds), f"{id} was not answered"
            return next(e for e in self.late if e.get("id") == id)


# ---- the two programs ----

class Rendezvous(Library):
    PERIOD_MS = 30000

    def __init__(self, *args):
        super().__init__(*args)
        self.alive = []
        self.handlers = {("get", RENDEZVOUS + "iamalive"): self.i_am_alive,
                         ("get", RENDEZVOUS + "whoisalive"): self.who_is_alive,
                         ("get", RENDEZVOUS + "synch/whoisalive"): self.synch}

    def i_am_alive(self, request, query):
        """It believes the sender, whom the servers have checked (F-77)."""
        if request.get("from") not in self.alive:
            self.alive.append(request.get("from"))
        return f"<iamalive-period>{self.PERIOD_MS}</iamalive-period>"

    def who_is_alive(self, _request, query):
        # The set has the namespace of the query (F-33, F-51).
        ns = RENDEZVOUS + "whoisalive"
        limits = query.find(tag("set", ns))
        after = limits.findtext(tag("after", ns))
        if after and after not in self.alive:
            raise Refused("item-not-found")
        first = self.alive.index(after) + 1 if after else 0
        page = self.alive[first:first + int(limits.findtext(tag("max", ns)))]
        return ("".join(f"<item id='{name}'/>" for name in page)
                + f"<set xmlns='{RSM}'><first>{page[0]}</first><last>{page[-1]}</last><count>{len(self.alive)}</count></set>")

    def synch(self, _request, _query):
        managers = "".join(f"<manager id='{n}'><cert/><status><timeout>90000</timeout><quiet-for>1</quiet-for></status></manager>"
                           for n in self.alive)
        return f"<managers>{managers}</managers><set xmlns='{RSM}'><count>{len(self.alive)}</count></set>"


class Manager(Library):
    def __init__(self, *args):
        super().__init__(*args)
        self.orders = {}  # id → from whom
        self.instances = {}
        self.green = []
        self.handlers = {("set", MANAGER + "order"): self.order,
                         ("get", MANAGER + "getinstance"): self.get_instance,
                         ("set", MANAGER + "removeinstance"): self.remove_instance,
                         ("set", MANAGER + "removeorder"): self.remove_order,
                         ("get", MANAGER + "instancebeingused"): self.being_used,
                         ("get", MANAGER + "getremoteuserquota"): self.quota,
                         ("set", MANAGER + "storagelink"): lambda *_: "<attachment><id>at-1</id></attachment>",
                         ("set", MANAGER + "removestoragelink"): lambda *_: "",
                         ("set", COMPONENT): lambda _, query: self.green.append(query)}

    def order(self, request, query):
        """Answered when the instance is there: minutes or hours later (F-34, F-53)."""
        ns = MANAGER + "order"
        id = query.findtext(f"{tag('order', ns)}/{tag('id', ns)}")
        assert id == request.get("id")
        self.orders[id] = request.get("from")

    def fulfil(self, id):
        self.instances["i-" + id] = self.orders[id]
        self.result(id, self.orders[id], MANAGER + "order", f"<instance><id>i-{id}</id></instance>")

    def fail(self, id):
        self.refuse(id, self.orders.pop(id), f"<query xmlns='{MANAGER}order'/>", "item-not-found")

    def instance_of(self, query, ns):
        id = query.findtext(f"{tag('instance', ns)}/{tag('id', ns)}")
        if id not in self.instances:
            raise Refused("item-not-found")
        return id

    def get_instance(self, _request, query):
        id = self.instance_of(query, MANAGER + "getinstance")
        return f"<instance><id>{id}</id><state>RUNNING</state><link/><resource/><attribute key='a'>b</attribute></instance>"

    def remove_instance(self, _request, query):
        del self.instances[self.instance_of(query, MANAGER + "removeinstance")]
        return ""

    def remove_order(self, _request, query):
        ns = MANAGER + "removeorder"
        if self.orders.pop(query.findtext(f"{tag('order', ns)}/{tag('id', ns)}"), None) is None:
            raise Refused("item-not-found")
        return ""

    def being_used(self, _request, query):
        ns = MANAGER + "instancebeingused"
        if query.findtext(f"{tag('order', ns)}/{tag('id', ns)}") not in self.orders:
            raise Refused("item-not-found")
        return ""

    def quota(self, _request, query):
        assert query.find(tag("token", MANAGER + "getremoteuserquota")) is not None
        return "<resourcesInfo><id>r</id><cpuIdle>4</cpuIdle><cpuInUse>1</cpuInUse><memIdle>8</memIdle></resourcesInfo>"


TOKEN = "<token><accessId>tok</accessId><user><id>u1</id><name>User One</name></user></token>"


def order_content(id):
    return ("<category><class>kind</class><term>order</term><scheme>urn:test:order#</scheme></category>"
            f"<attribute var='urn:test:count'><value>1</value></attribute><order><id>{id}</id></order>{TOKEN}")


def place_order(one, two, id):
    one.tell("set", two.name, MANAGER + "order", order_content(id), id)
    until(lambda: two.orders.get(id) == one.name, "the order has come")


def exchange(one, two, rendezvous, round, neighbour=None):
    """Every request of 3.3 but that to a green sitter; one asks, and a rendezvous its neighbour."""
    for manager in (one, two):
        alive = manager.ask("get", rendezvous.name, RENDEZVOUS + "iamalive")
        assert alive.findtext(tag("iamalive-period", RENDEZVOUS + "iamalive")) == "30000"
    ns = RENDEZVOUS + "whoisalive"
    page = one.ask("get", rendezvous.name, ns, "<set><max>1</max></set>")
    assert [item.get("id") for item in page.iterfind(tag("item", ns))] == [one.name]
    assert page.findtext(f"{tag('set', RSM)}/{tag('count', RSM)}") == "2"
    page = one.ask("get", rendezvous.name, ns, f"<set><max>1</max><after>{one.name}</after></set>")
    assert [item.get("id") for item in page.iterfind(tag("item", ns))] == [two.name]
    assert refused(one, "get", rendezvous.name, ns, "<set><max>1</max><after>nobody</after></set>") == "item-not-found"

    if neighbour:
        ns = RENDEZVOUS + "synch/whoisalive"
        known = neighbour.ask("get", rendezvous.name, ns, "<managers/>")
        assert [e.get("id") for e in known.iter(tag("manager", ns))] == [one.name, two.name]

    id = f"order-{round}"
    place_order(one, two, "lost-" + id)
    two.fail("lost-" + id)
    assert one.wait_late("lost-" + id, ANSWER_SECONDS).get("type") == "error"
    place_order(one, two, id)
    assert one.ask("get", two.name, MANAGER + "instancebeingused", f"<order><id>{id}</id></order>") is not None
    two.fulfil(id)
    answer = one.wait_late(id, ANSWER_SECONDS)
    assert answer.findtext(f"{tag('query', MANAGER + 'order')}//{tag('id', MANAGER + 'order')}") == "i-" + id

    instance = f"<instance><id>i-{id}</id></instance>"
    state = one.ask("get", two.name, MANAGER + "getinstance", instance)
    assert state.findtext(f".//{tag('state', MANAGER + 'getinstance')}") == "RUNNING"
    assert one.ask("get", two.name, MANAGER + "getremoteuserquota", TOKEN)[0][1].text == "4"
    link = "<storageLink><target>t</target><source>s</source><deviceId>d</deviceId></storageLink>" + TOKEN
    assert one.ask("set", two.name, MANAGER + "storagelink", link)[0][0].text == "at-1"
    assert one.ask("set", two.name, MANAGER + "removestoragelink", link) is not None
    assert one.ask("set", two.name, MANAGER + "removeinstance", instance) is not None
    assert refused(one, "get", two.name, MANAGER + "getinstance", instance) == "item-not-found"
    assert one.ask("set", two.name, MANAGER + "removeorder", f"<order><id>{id}</id></order>") is not None
    assert refused(one, "set", two.name, MANAGER + "removeorder", f"<order><id>{id}</id></order>") == "item-not-found"


def odd_namespaces(one, two):
    """F-33: names of methods that are no URIs, and elements that inherit them: as they were said, there and back."""
    ns, content = "remoteGetUserQuota", "<a>1</a><b xmlns='no URI at all'><c xmlns='x:y'/><d/></b>"
    two.handlers["get", ns] = lambda _, query: "".join(ET.tostring(e, encoding="unicode") for e in query)
    answer = ET.tostring(one.ask("get", two.name, ns, content), encoding="unicode")
    wanted = f"<query xmlns='{ns}'>{content}</query>"
    assert ET.canonicalize(answer, rewrite_prefixes=True) == ET.canonicalize(wanted, rewrite_prefixes=True)


def nothing_repeated(*programs):
    """No request was handled twice, and no answer came that is not to one."""
    for program in programs:
        late = [e.get("id") for e in program.late]
        for ids in (program.handled, late):
            assert not [id for id, times in collections.Counter(ids).items() if times > 1], program.name
        assert not [id for id in late if "order" not in id], program.name


def green_sitter(one, two):
    """F-61, F-32: a query without a namespace of its own."""
    one.tell("set", two.name, None, "<minCPU>2</minCPU><minRAM>1</minRAM>", next(one.ids))
    until(lambda: two.green, "the wake-up has come")
    query = two.green.pop()
    assert query.tag == tag("query") and query.findtext(tag("minCPU")) == "2"


def refused(library, *request):
    try:
        library.ask(*request)
    except Refused as refusal:
        return str(refusal)
    return None


def until(condition, what, seconds=10):
    end = time.monotonic() + seconds * PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)
