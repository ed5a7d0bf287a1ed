"""Components while daemons die: nothing is lost that was not in a component's socket, nothing comes twice, and everything comes back
by itself (F-08, F-24, F-26, F-34)."""

import asyncio
import os
import socket
import subprocess
import threading
import time

import pytest

from chat import clients
from component import COMPONENT, PORT, Component, Echo, settings
from suite import PATIENCE, Suite, wait_for
from wire import SESSION, WAIT, Ended, Wire

ECHO = "echo.example.net"
OTHER = "other.example.net"


@pytest.fixture
def suite():
    with Suite(settings=settings({ECHO: "secret", OTHER: "another"})) as s:
        s.add_users("alice", "bob")
        yield s


class Answering(threading.Thread):
    """A component that answers each request, and comes back when its stream ends, as the old library does (F-25, but sooner)."""

    def __init__(self, suite):
        super().__init__(daemon=True)
        self.suite, self.heard, self.connections, self.stopping = suite, [], 0, False
        self.start()

    def run(self):
        while not self.stopping:
            try:
                with Component.at(self.suite, ECHO) as self.component:
                    self.connections += 1
                    self.serve()
            except (OSError, Ended, AssertionError, TimeoutError):
                time.sleep(0.1)

    def serve(self):
        while not self.stopping:
            try:
                stanza = self.component.stanza(1)
            except TimeoutError:
                self.component.send(" ")
                continue
            self.heard.append(stanza.get("id"))
            self.component.answer(stanza)

    def stop(self):
        self.stopping = True
        self.join(10)


@pytest.fixture
def answering(suite):
    component = Answering(suite)
    wait_for(lambda: component.connections, 10, "the component is connected")
    yield component
    component.stop()


def ask_all(wire, first, count, pause=0.005):
    for n in range(first, first + count):
        wire.send(f"<iq type='get' id='n{n}' to='{ECHO}'><query xmlns='urn:x'/></iq>")
        time.sleep(pause)


def answers(wire, count, seconds=60):
    """The ids of the next answers."""
    got = []
    while len(got) < count:
        element = wire.element(seconds * PATIENCE)
        if element.tag.endswith("}iq"):
            assert element.get("type") == "result", element.attrib
            got.append(element.get("id"))
    return got


@pytest.mark.parametrize("daemon", ["router", "sessiond", "storaged"])
def test_requests_survive_a_kill(suite, answering, daemon):
    """Each request comes to the component once, in order, and each answer to its asker."""
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        for turn in range(2):
            asking = threading.Thread(target=ask_all, args=(alice, turn * 120, 120))
            asking.start()
            time.sleep(0.2)
            suite.kill(daemon)
            asking.join()
            wanted = [f"n{n}" for n in range(turn * 120, turn * 120 + 120)]
            assert answers(alice, 120) == wanted
            assert answering.heard[-120:] == wanted
            suite.wait_linked()
        alice.silence()
    assert len(answering.heard) == 240 and answering.connections == 1


def test_requests_survive_componentd(suite, answering):
    """What was written to the component's socket and not read may be gone with it (F-08); all else is answered, nothing twice."""
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        assert answers_to(alice, 0, 20) == [f"n{n}" for n in range(20)]
        suite.kill("componentd")
        ask_all(alice, 20, 40)
        assert answers(alice, 40) == [f"n{n}" for n in range(20, 60)]
        alice.silence()
    assert answering.connections == 2
    assert answering.heard == [f"n{n}" for n in range(60)]


def answers_to(wire, first, count):
    ask_all(wire, first, count, 0)
    return answers(wire, count)


def test_an_orderly_stop_loses_and_repeats_nothing(suite, answering):
    """What a component got before the end of its stream it can still answer; what it did not get comes to its next stream."""
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        for turn in range(3):
            asking = threading.Thread(target=ask_all, args=(alice, turn * 80, 80))
            asking.start()
            suite.ctl("restart", "componentd")
            asking.join()
            assert answers(alice, 80) == [f"n{n}" for n in range(turn * 80, turn * 80 + 80)]
        alice.silence()
    assert answering.heard == [f"n{n}" for n in range(240)]
    assert answering.connections == 4


def stops(suite):
    """componentd is told to, while a test goes on."""
    stopping = threading.Thread(target=suite.ctl, args=("restart", "componentd"))
    stopping.start()
    return stopping


def test_what_is_under_way_is_taken_before_a_stop(suite):
    """RFC 6120 §4.4: the end of our stream is not yet the end of theirs; and the end of theirs is that of the connection."""
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice, Component.at(suite, ECHO) as component:
        ask_all(alice, 0, 2, 0)
        requests = [component.stanza() for _ in range(2)]
        stopping = stops(suite)
        component.until(lambda: component.is_closed)
        ask_all(alice, 2, 1, 0)  # is for the next componentd
        for request in requests:
            component.answer(request)
        assert answers(alice, 2) == ["n0", "n1"]
        component.send("</stream:stream>")
        assert component.ending() == "system-shutdown"
        stopping.join()
        with Component.at(suite, ECHO) as again:
            again.answer(again.stanza())
            assert answers(alice, 1) == ["n2"]


def test_what_components_say_to_each_other_comes_after_a_stop(suite):
    """Both streams end, so nobody can hear it now: it waits with sessiond, and is heard once."""
    with Component.at(suite, ECHO) as one, Component.at(suite, OTHER, "another") as other:
        stopping = stops(suite)
        for component in (one, other):
            component.until(lambda component=component: component.is_closed)
        for n in range(3):
            one.send(f"<message to='a@{OTHER}' from='b@{ECHO}' id='n{n}'><body>{n}</body></message>")
        for component in (one, other):
            component.send("</stream:stream>")
            assert component.ending() == "system-shutdown"
        stopping.join()
        with Component.at(suite, OTHER, "another") as again:
            for n in range(3):
                message = again.stanza()
                assert message.get("id") == f"n{n}" and message.get("from") == f"b@{ECHO}"
                assert message.get("to") == f"a@{OTHER}" and message.findtext(f"{{{COMPONENT}}}body") == str(n)
            again.silence()


def test_a_stop_does_not_wait_for_who_is_not_there(suite):
    """What nobody takes is given up, and the log says so."""
    with Component.at(suite, ECHO) as component:
        wait_for(lambda: counters(suite, "componentd")["kept_frames"] == 0, 20, "sessiond knows of the component")
        suite.ctl("down", "sessiond")
        component.send(f"<message to='alice@localhost' from='{ECHO}'><body>lost</body></message>")
        wait_for(lambda: counters(suite, "componentd")["kept_frames"] == 1, 20, "componentd has it")
        suite.ctl("down", "componentd")
        assert component.ending() == "system-shutdown"
    suite.logged("componentd", "1 stanzas of components are lost: nobody has taken them")


def test_a_stop_does_not_wait_for_who_says_nothing(suite):
    """F-26: the old library does not notice the end of the stream: the connection is closed altogether."""
    with Component.at(suite, ECHO) as component:
        stops(suite).join()
        assert component.ending() == "system-shutdown"
        def write_fails():
            try:
                component.send(" ")
                return False
            except ConnectionError:
                return True
        wait_for(write_fails, 10, "a write is reset")


def test_an_answer_that_comes_after_everything_was_restarted(suite):
    """F-34: nobody keeps a list of requests."""
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice:
        with Component.at(suite, ECHO) as first:
            alice.send(f"<iq type='set' id='order-7f3' to='{ECHO}'><query xmlns='urn:order'/></iq>")
            order = first.stanza()
        for daemon in ("router", "sessiond", "storaged", "authd", "keyd", "componentd"):
            suite.kill(daemon)
            suite.wait_linked()
        with Component.at(suite, ECHO) as again:
            again.answer(order, "<query xmlns='urn:order'/>")
            answer = alice.wait_for(lambda e: e.get("id") == "order-7f3")
            assert answer.get("type") == "result" and answer.get("from") == ECHO


def counters(suite, daemon):
    """What a daemon says of its bus."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(suite.dir / daemon / "control.0.sock"))
        s.sendall(b"status\n")
        text = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    words = next((line.split() for line in text.splitlines() if line.startswith("kept_frames")), [])
    return dict(zip(words[::2], map(int, words[1::2])))


def test_nobody_keeps_a_request_that_was_delivered(suite):
    """F-34: once it is with the component there is nothing of it that could grow old; and its answer goes like any stanza."""
    with Wire.at(suite, SESSION, "alice@localhost", "a") as alice, Component.at(suite, ECHO) as component:
        alice.send(f"<iq type='set' id='order' to='{ECHO}'><query xmlns='urn:order'/></iq>")
        order = component.stanza()
        for daemon in ("storaged", "authd", "sessiond", "c2sd", "componentd"):
            assert "pending_requests" in counters(suite, daemon)
            wait_for(lambda daemon=daemon: not any(counters(suite, daemon).values()), 20, f"{daemon} has nothing of it")
        component.answer(order)
        assert alice.wait_for(lambda e: e.get("id") == "order").get("type") == "result"


def test_a_component_made_with_slixmpp_comes_back(suite):
    async def story():
        echo = Echo(suite, ECHO, "secret")
        echo.connect()
        await asyncio.wait_for(echo.ready.wait(), WAIT)
        try:
            async with clients(suite, "alice@localhost/a") as alice:
                async def talk(word):
                    alice.say(f"bot@{ECHO}", word)
                    answer = await alice.hear()
                    assert answer["body"] == word and answer["from"].bare == f"bot@{ECHO}"
                await talk("before")
                for daemon, starts in (("router", 1), ("componentd", 2)):
                    await asyncio.to_thread(suite.ctl, "restart", daemon)
                    await talk(f"{daemon} was restarted")
                    assert echo.starts == starts
                for daemon, starts in (("router", 2), ("componentd", 3)):
                    await asyncio.to_thread(suite.kill, daemon)
                    await talk(f"{daemon} was killed")
                    assert echo.starts == starts
                    await asyncio.to_thread(suite.wait_linked)
        finally:
            await echo.stop()
    asyncio.run(story())


def test_components_exchange_while_daemons_die(suite, answering):
    with Component.at(suite, OTHER, "another") as other:
        for daemon in ("router", "sessiond", "storaged", "authd", "keyd"):
            suite.kill(daemon)
            for n in range(10):
                assert other.ask(ECHO, "<query xmlns='urn:x'/>", id=f"{daemon}{n}").get("type") == "result"
            suite.wait_linked()


# ---- a peer that vanishes ----

@pytest.mark.skipif(os.geteuid() != 0, reason="needs network namespaces")
def test_a_ghost_does_not_keep_the_name():
    """F-24, F-27: a peer that vanishes without a FIN; its name is free when TCP has found out."""
    listener = ('keepalive_seconds = 1\nstall_seconds = 3\nlistener "component" {\n\taddress = "*"\n}\n')
    name, host = f"jd{os.getpid()}", f"198.18.{os.getpid() % 250}"
    def ip(*args):
        subprocess.run(["ip", *args], check=True)
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", f"{host}.1/24", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "addr", "add", f"{host}.2/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        with Suite(settings=settings({ECHO: "secret"}, listener)) as suite:
            ghost = connect_in(name, f"{host}.1", PORT + suite.offset, suite)
            ip("link", "set", name, "down")
            with Component.connect(suite, PORT) as second:
                second.begin(ECHO)
                assert second.prove("secret") == "conflict"
            def comes_in():
                with Component.connect(suite, PORT) as again:
                    again.begin(ECHO)
                    return again.prove("secret") == "handshake"
            wait_for(comes_in, 30, "the name is free")
            ghost.close()
    finally:
        subprocess.run(["ip", "link", "del", name], check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)


def connect_in(namespace, host, port, suite):
    """A component whose socket is in another network namespace."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert libc.setns(there, 0x40000000) == 0
        component = Component.connect(suite, PORT, host=host)
    finally:
        assert libc.setns(home, 0x40000000) == 0
        os.close(home)
        os.close(there)
    component.begin(ECHO)
    assert component.prove("secret") == "handshake"
    return component
