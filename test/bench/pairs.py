"""Two servers of one kind that federate on loopback: left.example, and right.example, which has many more domains, for cold links.

They find each other by SRV records in a name server of their own (Knot), because that is what the way to another server is; only the
ports are not the usual ones. In the variant "s2s" a CA vouches for their certificates, in "s2s-dialback" nobody does."""

import pathlib
import subprocess
import sys

import servers
from processes import tree
from servers import free_port

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import nameserver  # pylint: disable=wrong-import-position

COLD_DOMAINS = 60  # init takes 64
HOST = "127.0.0.1"


def cold_domain(number):
    return f"c{number:03}.right.example"


class Authority:
    """Certificates: key, chain, and both in one file, in a folder for each domain."""

    def __init__(self, home):
        self.home = home / "authority"
        self.ca = self.home / "ca.pem"
        self.home.mkdir(exist_ok=True)
        if not self.ca.exists():
            self.make("ca.key", "ca.pem", "-x509", "-subj", "/CN=bench")

    def make(self, key, out, *args):
        subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
                        "-keyout", key, "-out", out, *args], cwd=self.home, check=True, capture_output=True)

    def issue(self, domain, by_ca):
        folder = self.home / (domain if by_ca else f"{domain}-self-signed")
        key, chain = folder / "key.pem", folder / "cert.pem"
        signer = ["-CA", self.ca, "-CAkey", "ca.key"] if by_ca else []
        if not chain.exists():
            folder.mkdir(exist_ok=True)
            self.make(key, chain, "-x509", *signer, "-subj", f"/CN={domain}", "-addext", f"subjectAltName=DNS:{domain},DNS:*.{domain}",
                      "-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext", "basicConstraints=critical,CA:FALSE")
            (folder / "both.pem").write_text(chain.read_text() + key.read_text())
        return key, chain


class Site:
    """What one of the two has beyond what its class has."""

    target = "host"  # of its SRV records
    needs = None  # a package

    def __init__(self, pair, side):
        super().__init__(pair.home, pair.variant, pair.accounts)
        self.pair, self.side, self.domain = pair, side, f"{side}.example"
        self.dir = self.home / f"{self.name}-{self.variant}-{side}"
        self.log = self.dir / "output.log"
        self.server_port = free_port()

    def domains(self):
        return [self.domain] + ([cold_domain(n) for n in range(COLD_DOMAINS)] if self.side == "right" else [])

    def certificate(self):
        return self.pair.authority.issue(self.domain, self.variant == "s2s")

    def records(self):
        """For its zone."""
        names = [""] + [f".{d.removesuffix('.' + self.domain)}" for d in self.domains() if d != self.domain]
        return f"host A {HOST}\n" + "".join(f"_xmpp-server._tcp{n} SRV 0 0 {self.server_port} {self.target}\n" for n in names)


class JackdawSite(Site, servers.Jackdaw):
    def configure(self):
        super().configure()
        self.append("jackdaw", "\ns2sd = 1\n")
        self.append("s2sd", f'\nlistener "s2s" {{\n\taddress = "{HOST}"\n\tport = {self.server_port}\n}}\n'
                            f'resolver = "{HOST}@{self.pair.dns_port}"\ntrust_anchor = "none"\nca_file = "{self.pair.authority.ca}"\n')


class ProsodySite(Site, servers.Prosody):
    needs = "lua-unbound"  # its other resolver takes no address but port 53 of the system's
    more_modules = ["dialback"]

    def federation(self):
        return (f'unbound = {{ resolvconf = false, forward = "{HOST}@{self.pair.dns_port}", '
                'options = { ["do-not-query-localhost:"] = "no" } }\n'
                f's2s_ports = {{ {self.server_port} }}\ns2s_direct_tls_ports = {{}}\ns2s_ssl = {{ cafile = "{self.pair.authority.ca}" }}\n')


class ProsodyGenerationalSite(ProsodySite):
    name, generational = servers.ProsodyGenerational.name, True


class EjabberdSite(Site, servers.Ejabberd):
    target = "localhost."  # it has addresses from the system, and only SRV records from the server that is set here

    def settings(self):
        settings = super().settings()
        settings["listen"].append({"module": "ejabberd_s2s_in", "ip": HOST, "port": self.server_port, "max_stanza_size": 262144})
        settings["modules"]["mod_s2s_dialback"] = {}
        return settings | {"s2s_use_starttls": "required", "s2s_cafile": str(self.pair.authority.ca)}

    def start(self):
        path = self.dir / "inetrc"
        path.write_text(f"{{resolv_conf, \"\"}}.\n{{lookup, [dns]}}.\n{{nameserver, {{{HOST.replace('.', ',')}}}, {self.pair.dns_port}}}.\n")
        self.environment = {"ERL_INETRC": str(path)}
        super().start()


class Pair:
    """Both, as one server for `run`: the clients' is the left one."""

    def __init__(self, site, home, variant, accounts):
        self.home, self.variant, self.accounts = home, variant, accounts
        self.authority, self.dns_port = Authority(home), nameserver.free_port()
        self.left, self.right = site(self, "left"), site(self, "right")
        self.name, self.mechanisms, self.logins, self.sm = site.name, site.mechanisms, site.logins, site.sm
        self.dns = None

    def __getattr__(self, name):
        if name in ("port", "clear_port", "component_port", "domain"):
            return getattr(self.left, name)
        raise AttributeError(name)

    def prepare(self):
        for site in (self.left, self.right):
            site.prepare()

    def start(self):
        zones = {site.domain: site.records() for site in (self.left, self.right)}
        self.dns = nameserver.Nameserver(zones, address=HOST, port=self.dns_port)
        self.dns.__enter__()
        for site in (self.left, self.right):
            site.start()

    def stop(self):
        for site in (self.left, self.right):
            site.stop()
        self.dns.__exit__(None, None, None)

    def pids(self):
        return tree({p.pid for site in (self.left, self.right) for p in site.processes})


SITES = {site.name: site for site in (JackdawSite, ProsodySite, ProsodyGenerationalSite, EjabberdSite)}
VARIANTS = ("s2s", "s2s-dialback")


def missing(cls):
    """Why there can be no pair, or None."""
    if not nameserver.available():
        return "knot is not installed"
    needs = SITES[cls.name].needs
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", needs or "dpkg"], capture_output=True, text=True, check=False)
    return None if done.stdout == "installed" else f"{needs} is not installed"


def server(cls, home, variant, accounts):
    """What `run` measures in a variant: one server, or two."""
    if variant in VARIANTS:
        return Pair(SITES[cls.name], home, variant, accounts)
    return cls(home, variant, accounts)
