"""The client's half of SCRAM (RFC 5802, RFC 7677) and of PLAIN (RFC 4616), to the letter; it checks the server's signature."""

import base64
import hashlib
import hmac
import secrets

DIGESTS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def plain(user, password, authzid=""):
    return f"{authzid}\0{user}\0{password}".encode()


def escape(name):
    return name.replace("=", "=3D").replace(",", "=2C")


class Scram:
    """One exchange. header: the gs2-header ("n,,", "y,,", "p=tls-exporter,,", "n,a=alice@localhost,"); binding: the data for p="""

    def __init__(self, mechanism, user, password, header="n,,", binding=b""):
        self.digest = DIGESTS[mechanism.removesuffix("-PLUS")]
        self.password = password.encode()
        self.header = header.encode()
        self.binding = binding
        self.nonce = secrets.token_urlsafe(18).encode()
        self.bare = b"n=" + escape(user).encode() + b",r=" + self.nonce
        self.signature = None

    def first(self):
        return self.header + self.bare

    def signs_offer(self, challenge, mechanisms, bindings):
        """Whether h= fits what this client was offered (XEP-0474 §5.2)."""
        text = "\x1e".join(sorted(mechanisms)) + ("\x1f" + "\x1e".join(sorted(bindings)) if bindings else "")
        right = base64.b64encode(hashlib.new(self.digest, text.encode()).digest())
        return b"h=" + right in challenge.split(b",")

    def final(self, challenge):
        """The answer to the server's first message."""
        nonce, salt, rounds = parse_challenge(challenge)
        assert nonce.startswith(self.nonce) and len(nonce) > len(self.nonce)
        salted = hashlib.pbkdf2_hmac(self.digest, self.password, salt, rounds)
        without_proof = b"c=" + base64.b64encode(self.header + self.binding) + b",r=" + nonce
        message = b",".join((self.bare, challenge, without_proof))
        client_key = self.hmac(salted, b"Client Key")
        stored_key = hashlib.new(self.digest, client_key).digest()
        proof = bytes(a ^ b for a, b in zip(client_key, self.hmac(stored_key, message)))
        self.signature = self.hmac(self.hmac(salted, b"Server Key"), message)
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, success):
        """Whether the server knows the password too."""
        assert success == b"v=" + base64.b64encode(self.signature), success

    def hmac(self, key, data):
        return hmac.new(key, data, self.digest).digest()


def parse_challenge(challenge):
    """nonce, salt, rounds; the order is the RFC's, extensions may follow."""
    fields = [(part[:2], part[2:]) for part in challenge.split(b",")]
    assert [name for name, _ in fields[:3]] == [b"r=", b"s=", b"i="], challenge
    return fields[0][1], base64.b64decode(fields[1][1], validate=True), int(fields[2][1])
