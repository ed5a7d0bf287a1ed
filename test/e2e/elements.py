"""What a stream can be sent, in time or not."""

from scram import plain
from wire import BIND, SASL, TLS, encode, header

IQ = "<iq type='get' id='early'><ping xmlns='urn:xmpp:ping'/></iq>"
ELEMENTS = {
    "starttls": f"<starttls xmlns='{TLS}'/>",
    "auth": lambda s: f"<auth xmlns='{SASL}' mechanism='PLAIN'>{encode(plain('alice', s.passwords['alice@localhost']))}</auth>",
    "response": f"<response xmlns='{SASL}'>=</response>",
    "abort": f"<abort xmlns='{SASL}'/>",
    "bind": f"<iq type='set' id='b'><bind xmlns='{BIND}'/></iq>",
    "bind get": f"<iq type='get' id='b'><bind xmlns='{BIND}'/></iq>",
    "session": "<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
    "old auth": "<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>alice</username></query></iq>",
    "register": "<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>eve</username></query></iq>",
    "iq": IQ,
    "message": "<message to='bob@localhost/witness'><body>early</body></message>",
    "presence": "<presence/>",
    "message of servers": "<message xmlns='jabber:server' to='bob@localhost/witness'><body>early</body></message>",
    "message of nobody": "<message xmlns='' to='bob@localhost/witness'><body>early</body></message>",
    "unknown": "<surprise xmlns='urn:surprise'/>",
    "unknown in jabber:client": "<surprise/>",
    "compress": "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
    "dialback": "<result xmlns='jabber:server:dialback' from='localhost' to='localhost'>key</result>",
    "handshake": "<handshake>0123456789abcdef</handshake>",
    "proceed": f"<proceed xmlns='{TLS}'/>",
    "success": f"<success xmlns='{SASL}'/>",
    "challenge": f"<challenge xmlns='{SASL}'>=</challenge>",
    "failure": f"<failure xmlns='{SASL}'><aborted/></failure>",
    "features": "<stream:features/>",
    "stream": header(declaration="") + "</stream:stream>",
    "starttls of nobody": "<starttls xmlns='urn:nobody'/>",
    "starttls in SASL's namespace": f"<starttls xmlns='{SASL}'/>",
    "auth in TLS's namespace": f"<auth xmlns='{TLS}' mechanism='PLAIN'/>",
}



