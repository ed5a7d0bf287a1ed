"""Servers that the suite federates with: another Jackdaw, Prosody, ejabberd, each for a domain of its own, found by static routes on
loopback. Each has what chat.Client wants of a suite: `port`, `passwords`, `certificate()`."""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from suite import PATIENCE, Suite, wait_for

HOST = "127.0.0.1"

# Where Prosody and ejabberd look for other servers: their DNS is not asked.
PROSODY_ROUTES = """
local routes = module:get_option("static_routes", {})
local service = require "net.resolvers.service"
local basic_new = service.new
function service.new(name, kind, transport, extra)
	local route = kind == "xmpp-server" and routes[name]
	if not route then return basic_new(name, kind, transport, extra) end
	local left = true
	return { next = function(_, done)
		if not left then return done(nil) end
		left = false
		done("tcp", "127.0.0.1", route, extra, false)
	end }
end
"""


def free_port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


class Resolver:
    """A DNS server that knows some names as this machine, and no others."""

    def __init__(self, names):
        self.names = set(names)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                data, whence = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(data), whence)

    def answer(self, data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        question = data[12:at + 5]
        is_known = ".".join(labels) in self.names
        is_address = question[-4:-2] == b"\0\1"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(HOST) if is_known and is_address else b""
        flags = b"\x85\x80" if is_known else b"\x85\x83"
        return data[:2] + flags + b"\0\1\0" + bytes([bool(record)]) + b"\0\0\0\0" + question + record

    def close(self):
        self.socket.close()


class Authority:
    """A CA of the tests. `issue(domain)`: key and chain in files."""

    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-ca-"))
        self.home.chmod(0o755)
        self.ca = self.home / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", "/CN=Jackdaw test CA", "-keyout", "ca.key", "-out", "ca.pem")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.home, check=True, capture_output=True)

    def issue(self, domain, *names, usage="serverAuth"):
        alternatives = ",".join(f"DNS:{n}" for n in (domain, *names))
        (self.home / f"{domain}.ext").write_text(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                     "-keyout", f"{domain}.key", "-out", f"{domain}.csr")
        self.openssl("x509", "-req", "-in", f"{domain}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "30", "-extfile", f"{domain}.ext", "-out", f"{domain}.crt")
        return self.files(domain)

    def book(self):
        """What `openssl ca` wants; its options."""
        (self.home / "index.txt").touch()
        (self.home / "crlnumber").write_text("01\n")
        (self.home / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n"
            "new_certs_dir=.\nrand_serial=yes\nunique_subject=no\npolicy=p\n[p]\ncommonName=supplied\n")
        return "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.pem"

    def revoke(self, *names):
        """A list with these and those of before: `crl`."""
        both = self.book()
        for name in names:
            self.openssl("ca", *both, "-revoke", f"{name}.crt")
        self.openssl("ca", *both, "-gencrl", "-out", "crl.pem")
        self.crl.chmod(0o644)

    @property
    def crl(self):
        return self.home / "crl.pem"

    def shorten(self, name, seconds):
        """What was issued last by that name, for so long from now."""
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
        self.openssl("ca", *self.book(), "-batch", "-notext", "-in", f"{name}.csr", "-out", f"{name}.crt",
                     "-extfile", f"{name}.ext", "-enddate", end)

    def self_sign(self, domain):
        """Key and certificate that nobody vouches for."""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=x",
                     "-addext", f"subjectAltName=DNS:{domain}", "-keyout", f"{domain}.key", "-out", f"{domain}.crt")
        return self.files(domain)

    def files(self, domain):
        both = self.home / f"{domain}.key", self.home / f"{domain}.crt"
        for path in both:
            path.chmod(0o644)
        return both

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)


class Jackdaw(Suite):
    """A suite that federates. routes: domain → port on loopback; more: text for s2sd.conf."""

    usage = "serverAuth"  # of its certificates

    issued = None  # the domains with a certificate of the authority; None: all

    def __init__(self, domain, authority=None, more="", domains=(), jackdaw="", **options):
        self.domain = domain
        self.authority = authority
        self.routes = {}
        self.more = more
        super().__init__(domains=(domain, *domains), start=False,
                         settings={"jackdaw": f"\ns2sd = 1\n{jackdaw}"}, **options)

    def begin(self, *users):
        ca = f'ca_file = "{self.authority.ca}"\n' if self.authority else ""
        with open(self.dir / "etc" / "s2sd.conf", "a", encoding="utf-8") as f:
            f.write(f"\n{ca}{self.routes_text()}{self.more}")
        if self.authority:
            for domain in self.domains if self.issued is None else self.issued:
                self.ctl("cert", "import", domain, *map(str, self.authority.issue(domain, usage=self.usage)))
        self.up()
        for user in users:
            self.add_user(f"{user}@{self.domain}")

    def certificate(self, domain=None):
        return self.authority.ca if self.authority else super().certificate(domain)

    def routes_text(self):
        return "routes = {" + ", ".join(f'"{d} {HOST}:{p}"' for d, p in self.routes.items()) + "}\n"

    def s2s(self, *words):
        return [line.split() for line in self.ctl("s2s", *words).stdout.splitlines()]


class Process:
    """A foreign server: settings, then `begin(*users)`, who are at each of its domains. On a machine of its own: addresses, wrapper, and
    no routes but the DNS."""

    host, wrapper, nameserver = HOST, (), None
    direct_port = None  # between servers, TLS from the first byte

    def __init__(self, domain, authority):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="jackdaw-peer-"))
        self.home.chmod(0o755)
        self.domain, self.authority = domain, authority
        self.addresses = [self.host]
        self.port, self.server_port, self.component_port = free_port(), free_port(), free_port()
        self.routes = {}
        self.passwords = {}
        self.child = None
        self.certificates = {domain: authority.issue(domain)}  # domain → key and chain
        self.self_signed = set()
        self.clear = set()  # without TLS between servers
        self.components = {}  # name → secret

    def add(self, domain, issued=True, clear=False, secret=None):
        """One more domain; with a secret it is a component's."""
        self.certificates[domain] = self.authority.issue(domain) if issued else self.authority.self_sign(domain)
        if not issued:
            self.self_signed.add(domain)
        if clear:
            self.clear.add(domain)
        if secret:
            self.components[domain] = secret

    @property
    def domains(self):
        return [domain for domain in self.certificates if domain not in self.components]

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        if self.child:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        if kind is not None:
            for log in self.home.glob("*.log"):
                print(f"---- {self.domain}: {log.name}\n{log.read_text(errors='replace')[-6000:]}")
        shutil.rmtree(self.home, ignore_errors=True)

    def certificate(self, domain=None):
        return self.certificates[domain][1] if domain in self.self_signed else self.authority.ca

    def launch(self, command, **env):
        log = open(self.home / "output.log", "wb")
        self.child = subprocess.Popen([*self.wrapper, *command], cwd=self.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                      start_new_session=True, env={**os.environ, **env})
        for port in (self.port, self.server_port):
            wait_for(lambda p=port: self.listens(p), 30, f"{self.domain}: port {port}")

    def listens(self, port):
        with socket.socket() as s:
            return s.connect_ex((self.host, port)) == 0

    def accounts(self, users):
        for user in users:
            for domain in self.domains:
                self.passwords[f"{user}@{domain}"] = secrets.token_urlsafe(12)


class Prosody(Process):
    """plain: no TLS between servers (F-06). external: it believes certificates."""

    program = "prosody"

    def __init__(self, domain, authority, plain=False, external=True, modules=()):
        super().__init__(domain, authority)
        self.external, self.modules = external, modules
        if plain:
            self.clear.add(domain)

    def begin(self, *users):
        self.accounts(users)
        (self.home / "plugins").mkdir()
        (self.home / "plugins" / "mod_static_routes.lua").write_text(PROSODY_ROUTES)
        (self.home / "prosody.cfg.lua").write_text(self.settings() + "".join(map(self.section, self.certificates)))
        for jid, password in self.passwords.items():
            user, domain = jid.split("@")
            folder = self.home / "data" / domain.replace(".", "%2e").replace("-", "%2d") / "accounts"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{user}.dat").write_text(f'return {{ ["password"] = "{password}" }};\n')
        self.launch(["prosody", "-F", "--config", str(self.home / "prosody.cfg.lua")])

    def settings(self):
        modules = ["roster", "saslauth", "disco", "ping", "dialback", "presence", "message", "iq", "tls", *self.modules]
        modules += [] if self.nameserver else ["static_routes"]
        disabled = [] if self.external else ["s2s_auth_certs"]
        routes = ", ".join(f'["{d}"] = {p}' for d, p in self.routes.items())
        addresses = lua_list(self.addresses)
        return (
            f'run_as_root = true\npidfile = "{self.home}/prosody.pid"\ndata_path = "{self.home}/data"\n'
            f'plugin_paths = {{ "{self.home}/plugins" }}\nlog = {{ debug = "{self.home}/prosody.log" }}\n'
            f'modules_enabled = {lua_list(modules)}\nmodules_disabled = {lua_list(disabled)}\n'
            f'interfaces = {addresses}\nc2s_ports = {{ {self.port} }}\ns2s_ports = {{ {self.server_port} }}\n'
            f'c2s_direct_tls_ports = {{}}\ns2s_direct_tls_ports = {{ {self.direct_port or ""} }}\n'
            f'component_interfaces = {addresses}\ncomponent_ports = {{ {self.component_port if self.components else ""} }}\n'
            'authentication = "internal_plain"\nallow_unencrypted_plain_auth = true\nc2s_require_encryption = false\n'
            f's2s_require_encryption = {"false" if self.clear else "true"}\ns2s_secure_auth = false\n'
            f'certificates = "{self.authority.home}"\nstatic_routes = {{ {routes} }}\n{self.tls(self.domain)}')

    def tls(self, domain):
        key, chain = self.certificates[domain]
        return f'ssl = {{ key = "{key}", certificate = "{chain}", cafile = "{self.authority.ca}" }}\n'

    def section(self, domain):
        """What holds for one domain."""
        if domain in self.components:
            return f'Component "{domain}"\ncomponent_secret = "{self.components[domain]}"\n' + self.tls(domain)
        tls = 'modules_disabled = { "tls" }\n' if domain in self.clear else "s2s_require_encryption = true\n"
        return f'VirtualHost "{domain}"\n{tls}{self.tls(domain)}'


def lua_list(words):
    return "{ " + ", ".join(json.dumps(word) for word in words) + " }"


class Ejabberd(Process):
    """All others are on one port: ejabberd knows no routes but one port for names that the DNS does not know."""

    program = "ejabberdctl"

    def begin(self, *users):
        self.accounts(users)
        api = free_port()
        (self.home / "ejabberd.yml").write_text(json.dumps(self.settings(api), indent=1))  # JSON is YAML
        if not self.nameserver:
            self.resolver = Resolver(self.routes)
        address, port = (self.nameserver, 53) if self.nameserver else (HOST, self.resolver.port)
        (self.home / "inetrc").write_text(
            f"{{resolv_conf, \"\"}}.\n{{lookup, [dns]}}.\n{{nameserver, {{{address.replace('.', ',')}}}, {port}}}.\n")
        files = subprocess.run(["dpkg", "-L", "ejabberd"], capture_output=True, text=True, check=True).stdout
        ebin = next(f for f in files.split() if f.endswith("/ebin/ejabberd.app"))
        self.launch(["erl", "-noinput", "-mnesia", "dir", f'"{self.home}/mnesia"', "-s", "ejabberd"],
                    ERL_LIBS=str(pathlib.Path(ebin).parents[2]), EJABBERD_CONFIG_PATH=str(self.home / "ejabberd.yml"),
                    EJABBERD_LOG_PATH=str(self.home / "ejabberd.log"), HOME=str(self.home),
                    ERL_INETRC=str(self.home / "inetrc"), ERL_CRASH_DUMP=str(self.home / "crash.dump"))
        wait_for(lambda: self.listens(api), 30, "ejabberd's API")
        for jid, password in self.passwords.items():
            self.register(api, *jid.split("@"), password)

    def settings(self, api):
        return {
            "hosts": self.domains, "loglevel": "debug", "certfiles": self.both_files(), "ca_file": str(self.authority.ca),
            "s2s_use_starttls": "required", "s2s_cafile": str(self.authority.ca),
            "host_config": {domain: {"s2s_use_starttls": False} for domain in self.clear},
            "outgoing_s2s_port": next(iter(self.routes.values()), 5269), "outgoing_s2s_families": ["ipv6", "ipv4"] if self.nameserver else ["ipv4"],
            "listen": [*self.listeners(), {"module": "ejabberd_http", "ip": self.host, "port": api,
                                           "request_handlers": {"/api": "mod_http_api"}}],
            "auth_password_format": "plain", "disable_sasl_mechanisms": ["digest-md5", "X-OAUTH2"],
            "modules": {m: {} for m in ("mod_roster", "mod_ping", "mod_disco", "mod_s2s_dialback", "mod_http_api",
                                        "mod_admin_extra", "mod_offline", "mod_version")},
            "api_permissions": {"tests": {"from": "mod_http_api", "who": {"ip": f"{self.host}/24"}, "what": "register"}}}

    def listeners(self):
        for address in self.addresses:
            yield {"module": "ejabberd_c2s", "ip": address, "port": self.port, "starttls": True}
            yield {"module": "ejabberd_s2s_in", "ip": address, "port": self.server_port}
            if self.direct_port:
                yield {"module": "ejabberd_s2s_in", "ip": address, "port": self.direct_port, "tls": True}
            if self.components:
                yield {"module": "ejabberd_service", "ip": address, "port": self.component_port,
                       "hosts": {name: {"password": secret} for name, secret in self.components.items()}}

    def both_files(self):
        """Key and chain in one file, for each domain."""
        for domain, (key, chain) in self.certificates.items():
            (self.home / f"{domain}.pem").write_text(chain.read_text() + key.read_text())
        return [str(self.home / f"{domain}.pem") for domain in self.certificates]

    def register(self, api, user, domain, password):
        import urllib.request
        request = urllib.request.Request(
            f"http://{self.host}:{api}/api/register",
            json.dumps({"user": user, "host": domain, "password": password}).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30 * PATIENCE) as answer:
            answer.read()


@contextlib.contextmanager
def linked(*servers):
    """All of them run, and know the way to each other."""
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.enter_context(server)
        for server in servers:
            server.routes |= {other.domain: other.server_port for other in servers if other is not server}
        yield servers
