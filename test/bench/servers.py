"""The servers that are measured: each with settings, ports, accounts and files of its own, below one folder.

All have the same certificate and the same accounts (u000000 …, one password), TLS by STARTTLS and no TLS, no limits on
rates, logs of errors only, no connections with other servers (but see pairs.py), and just the features that the rows need: rosters,
presence, offline messages, ping, stream management; archives in the variant "archive". Storage is each server's default.
"""

import contextlib
import hashlib
import hmac
import json
import pathlib
import secrets
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.request
import xml.etree.ElementTree as ElementTree

from processes import Process, tree

DOMAIN = "localhost"
PASSWORD = "bench-password"  # of accounts, and the component's secret
COMPONENT = f"echo.{DOMAIN}"
ITERATIONS = 4096  # of PBKDF2, everywhere: the client's work, not the server's


def user(i):
    return f"u{i:06d}"


def free_port(taken=set()):  # pylint: disable=dangerous-default-value
    """One that nobody has, was not given out before, and that no connection is given by the kernel (32,768 and up): between the question
    and the server's start thousands of clients may come."""
    while True:
        port = 10000 + secrets.randbelow(22000)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            if port not in taken:
                taken.add(port)
                return port


def wait_port(port, process, log, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.child.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"no server on port {port}; see {log}")


def make_certificate(folder):
    """The one certificate of all: ECDSA P-256, self-signed."""
    key, chain = folder / "key.pem", folder / "cert.pem"
    if not chain.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "365", "-subj", f"/CN={DOMAIN}", "-addext", f"subjectAltName=DNS:{DOMAIN}",
                        "-keyout", key, "-out", chain], check=True, capture_output=True)
        (folder / "both.pem").write_text(chain.read_text() + key.read_text())
    return key, chain


def scram_keys(algorithm, salt):
    salted = hashlib.pbkdf2_hmac(algorithm, PASSWORD.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    return hashlib.new(algorithm, client_key).digest(), hmac.digest(salted, b"Server Key", algorithm)


class Server:
    """One server in one variant: "plain", "archive" or "sha256" (passwords stored for SCRAM-SHA-256)."""

    name = program = "?"
    variants = ("plain", "archive", "sha256", "component", "s2s", "s2s-dialback")
    domain = DOMAIN  # of the accounts
    mechanisms = ("SCRAM-SHA-1", "SCRAM-SHA-256")
    sm = True
    logins = 50  # at a time

    def __init__(self, home, variant, accounts):
        self.home, self.variant, self.accounts = home, variant, accounts
        self.dir = home / f"{self.name}-{variant}"
        self.log = self.dir / "output.log"
        self.port = self.clear_port = self.component_port = 0
        self.processes = []

    @classmethod
    def missing(cls):
        """Why it cannot be run here, or None."""
        return None if shutil.which(cls.program) else f"{cls.program} is not installed"

    @classmethod
    def version(cls):
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", cls.program.removesuffix("ctl")],
                              capture_output=True, text=True, check=False)
        return done.stdout

    def prepare(self):
        """Once: a new folder with settings and accounts."""
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.dir.chmod(0o755)
        self.port = free_port()
        self.clear_port = free_port()
        self.component_port = free_port()
        self.key, self.chain = self.certificate()
        self.configure()

    def certificate(self):
        return make_certificate(self.home)

    def domains(self):
        """All that it serves."""
        return [self.domain]

    def configure(self):
        raise NotImplementedError

    def start(self):
        raise NotImplementedError

    def launch(self, command, port=None, **options):
        process = Process(command, self.log, cwd=self.dir, **options)
        self.processes.append(process)
        if port:
            wait_port(port, process, self.log)

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes = []

    def pids(self):
        return tree({p.pid for p in self.processes})


class Jackdaw(Server):
    name = program = "jackdaw"
    variants = (*Server.variants, "many")
    build = None  # set by run
    per_edge = 15000  # sessions of a c2sd in the variant "many", which has as many of them as that takes

    @classmethod
    def missing(cls):
        return None if (cls.build / "bin" / "jackdawctl").exists() else "not built"

    @classmethod
    def version(cls):
        return subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False,
                              cwd=pathlib.Path(__file__).parent).stdout.strip()

    def ctl(self, *args, check=True, **options):
        return subprocess.run([str(self.build / "bin" / "jackdawctl"), "--dir", str(self.dir), *args], check=check,
                              capture_output=True, text=True, **options)

    def append(self, daemon, text):
        with open(self.dir / "etc" / f"{daemon}.conf", "a", encoding="utf-8") as f:
            f.write(text)

    def configure(self):
        self.dir.rmdir()
        self.ctl("init", *(word for domain in self.domains() for word in ("--domain", domain)))
        self.append("c2sd", "".join(
            f'\nlistener "{name}" {{\n\taddress = "127.0.0.1"\n\tport = {port}\n\ttls = "{tls}"\n}}\n'
            for name, port, tls in (("tls", self.port, "required"), ("clear", self.clear_port, "optional"))))
        self.append("authd", f"\niterations = {ITERATIONS}\n")
        self.append("sessiond", f'\narchive = "{"always" if self.variant == "archive" else "off"}"\n')
        self.append("componentd", f'\nlistener "component" {{\n\tport = {self.component_port}\n}}\n')
        if self.variant == "component":
            self.ctl("component", "add", COMPONENT, input=PASSWORD + "\n")
        if self.variant == "many":
            self.append("jackdaw", f"\nc2sd = {-(-self.accounts // self.per_edge)}\n")
        for domain in self.domains():
            self.ctl("cert", "import", domain, str(self.key), str(self.chain))
        self.ctl("user", "import", input=f"{user(0)}@{self.domain} {PASSWORD}\n")
        self.copy_account()

    def copy_account(self):
        """All accounts get the first one's salt and keys: deriving them for each would take minutes."""
        first = f"{user(0)}@{self.domain}"
        with contextlib.closing(sqlite3.connect(self.dir / "authd" / "data" / "credentials.db")) as db, db:
            def columns(table, *without):
                names = (row[1] for row in db.execute(f"PRAGMA table_info({table})"))
                return ", ".join(name for name in names if name not in without)
            rest = columns("account", "id", "jid")
            db.executemany(f"INSERT INTO account (jid, {rest}) SELECT ?, {rest} FROM account WHERE jid = ?",
                           ((f"{user(i)}@{self.domain}", first) for i in range(1, self.accounts)))
            rest = columns("credential", "account")
            db.execute(f"INSERT INTO credential (account, {rest}) SELECT id, {rest} FROM account, "
                       "(SELECT * FROM credential WHERE account = (SELECT id FROM account WHERE jid = ?)) "
                       "WHERE jid <> ?", (first, first))

    def start(self):
        self.log = self.home / f"{self.dir.name}.log"
        self.launch([str(self.build / "bin" / "jackdawctl"), "--dir", str(self.dir), "up"], self.port)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            rows = [line.split() for line in self.ctl("status", check=False).stdout.splitlines()]
            rows = [row for row in rows if len(row) > 3 and row[0] != "NAME"]
            if rows and all(row[3] in ("up", "-") for row in rows):
                return self.log_little(row[0].split(".")[0] for row in rows)
            time.sleep(0.1)
        raise RuntimeError("not all daemons are linked")

    def log_little(self, daemons):
        for daemon in sorted(set(daemons)):
            for _ in range(300):  # one that is not linked yet may not even listen yet
                if self.ctl("log", daemon, "error", check=False).returncode == 0:
                    break
                time.sleep(0.1)


class Prosody(Server):
    name = program = "prosody"
    generational = False
    sql = False
    more_modules = []

    def configure(self):
        archive = self.variant == "archive"
        modules = ["roster", "saslauth", "tls", "disco", "ping", "smacks"] + (["mam"] if archive else []) + self.more_modules
        gc = 'gc = { mode = "generational" }\n' if self.generational else ""
        storage = 'storage = { archive = "sql" }\nsql = { driver = "SQLite3", database = "archive.sqlite" }\n'
        ports, component = self.component()
        (self.dir / "data").mkdir()
        (self.dir / "prosody.cfg.lua").write_text(
            f'run_as_root = true\npidfile = "{self.dir}/prosody.pid"\ndata_path = "{self.dir}/data"\n'
            f'log = {{ error = "{self.dir}/error.log" }}\n{gc}{storage if self.sql else ""}'
            f'modules_enabled = {{ {", ".join(json.dumps(m) for m in modules)} }}\n{self.federation()}'
            f'interfaces = {{ "127.0.0.1" }}\nc2s_ports = {{ {self.port} }}\nc2s_direct_tls_ports = {{}}\n'
            'c2s_require_encryption = false\nauthentication = "internal_hashed"\n'
            f'password_hash = "{"SHA-256" if self.variant == "sha256" else "SHA-1"}"\n'
            'archive_expires_after = "never"\ndefault_archive_policy = true\nmax_archive_query_results = 50\n'
            f'ssl = {{ key = "{self.key}", certificate = "{self.chain}" }}\n{ports}'
            + "".join(f'VirtualHost "{domain}"\n' for domain in self.domains()) + component)
        self.clear_port = self.port
        self.write_accounts()

    def federation(self):
        return 'modules_disabled = { "s2s" }\n'

    def component(self):
        """What stands before the domain, and behind it."""
        if self.variant != "component":
            return "", ""
        return (f'component_interfaces = {{ "127.0.0.1" }}\ncomponent_ports = {{ {self.component_port} }}\n',
                f'Component "{COMPONENT}"\n  component_secret = "{PASSWORD}"\n')

    def write_accounts(self):
        algorithm = "sha256" if self.variant == "sha256" else "sha1"
        stored, server = scram_keys(algorithm, b"the-same-for-all")
        folder = self.dir / "data" / self.domain.replace(".", "%2e") / "accounts"
        folder.mkdir(parents=True)
        for i in range(self.accounts):
            (folder / f"{user(i)}.dat").write_text(
                f'return {{ ["salt"] = "the-same-for-all"; ["iteration_count"] = {ITERATIONS}; '
                f'["stored_key"] = "{stored.hex()}"; ["server_key"] = "{server.hex()}"; }};\n')

    def start(self):
        self.launch(["prosody", "-F", "--config", str(self.dir / "prosody.cfg.lua")], self.port)


class ProsodyGenerational(Prosody):
    name = "prosody-gen"
    generational = True


class ProsodySql(ProsodyGenerational):
    name = "prosody-sqlite"
    variants = ("archive",)
    sql = True


class Ejabberd(Server):
    name = "ejabberd"
    program = "ejabberdctl"
    sql = False
    environment = {}

    def configure(self):
        self.api_port = free_port()
        (self.dir / "ejabberd.yml").write_text(json.dumps(self.settings(), indent=1))  # JSON is YAML
        self.start()
        try:
            self.import_accounts()
        finally:
            self.stop()

    def settings(self):
        modules = {name: {} for name in ("mod_roster", "mod_ping", "mod_disco", "mod_stream_mgmt", "mod_http_api")}
        modules["mod_offline"] = {"access_max_user_messages": "plenty"}
        if self.variant == "archive":
            modules["mod_mam"] = {"default": "always", "assume_mam_usage": True,
                                  "db_type": "sql" if self.sql else "mnesia"}
        c2s = {"module": "ejabberd_c2s", "ip": "127.0.0.1", "max_stanza_size": 262144, "starttls": True}
        api = {"module": "ejabberd_http", "ip": "127.0.0.1", "port": self.api_port,
               "request_handlers": {"/api": "mod_http_api"}}
        service = {"module": "ejabberd_service", "ip": "127.0.0.1", "port": self.component_port,
                   "hosts": {COMPONENT: {"password": PASSWORD}}}
        services = [service] if self.variant == "component" else []
        settings = {
            "hosts": self.domains(), "loglevel": "error", "certfiles": [str(self.chain.with_name("both.pem"))],
            "listen": [{**c2s, "port": self.port, "starttls_required": True}, {**c2s, "port": self.clear_port}, api, *services],
            "auth_password_format": "scram", "auth_scram_hash": "sha256" if self.variant == "sha256" else "sha",
            "disable_sasl_mechanisms": ["digest-md5", "X-OAUTH2"], "modules": modules,
            "shaper_rules": {"plenty": {"100000": "all"}},
            "api_permissions": {"setup": {"from": "mod_http_api", "who": {"ip": "127.0.0.0/8"},
                                          "what": "import_piefxis"}}}
        if self.sql:
            settings |= {"sql_type": "sqlite", "sql_database": str(self.dir / "archive.sqlite")}
        return settings

    def import_accounts(self):
        users = "".join(f"<user name='{user(i)}' password='{PASSWORD}'/>" for i in range(self.accounts))
        path = self.dir / "accounts.xml"
        path.write_text("<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'>"
                        f"<host jid='{self.domain}'>{users}</host></server-data>")
        request = urllib.request.Request(f"http://127.0.0.1:{self.api_port}/api/import_piefxis",
                                         json.dumps({"file": str(path)}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=600) as answer:
            answer.read()

    def start(self):
        files = subprocess.run(["dpkg", "-L", "ejabberd"], capture_output=True, text=True, check=True).stdout
        ebin = next(f for f in files.split() if f.endswith("/ebin/ejabberd.app"))
        env = {"ERL_LIBS": str(pathlib.Path(ebin).parents[2]), "EJABBERD_CONFIG_PATH": str(self.dir / "ejabberd.yml"),
               "EJABBERD_LOG_PATH": str(self.dir / "ejabberd.log"), "HOME": str(self.dir),
               "ERL_CRASH_DUMP": str(self.dir / "crash.dump"), **self.environment}
        self.launch(["erl", "-noinput", "+K", "true", "+P", "250000", "+Q", "131072", "-mnesia", "dir",
                     f'"{self.dir}/mnesia"', "-s", "ejabberd"], self.port, env=env)
        wait_port(self.clear_port, self.processes[0], self.log)
        wait_port(self.api_port, self.processes[0], self.log)


class EjabberdSql(Ejabberd):
    name = "ejabberd-sqlite"
    variants = ("archive",)
    sql = True


class Jabberd2(Server):
    name = program = "jabberd2"
    variants = ("plain", "component")
    mechanisms = ("SCRAM-SHA-1",)
    sm = False
    logins = 1  # it mixes up SCRAM exchanges that overlap
    etc = pathlib.Path("/etc/jabberd2")
    schema = "/usr/share/doc/jabberd2/db-setup.sqlite.gz"

    @classmethod
    def missing(cls):
        return None if (cls.etc / "c2s.xml").exists() else "jabberd2 is not installed"

    def edit(self, part, changes):
        """The package's settings, with the texts (or attributes, as a dictionary) at some paths changed."""
        document = ElementTree.parse(self.etc / f"{part}.xml")
        for path, value in changes.items():
            parent, leaf = document.getroot(), None
            for step in path.split("/"):
                leaf = parent.find(step)
                parent = ElementTree.SubElement(parent, step) if leaf is None else leaf
            if isinstance(value, dict):
                parent.attrib.clear()
                parent.attrib.update(value)
                parent.text = DOMAIN
            else:
                parent.text = str(value)
        document.write(self.dir / f"{part}.xml")

    def configure(self):
        self.router_port = free_port()
        database = self.dir / "sqlite.db"
        common = {"log/file": self.dir / "jabberd.log", "router/port": self.router_port}
        limits = {"io/max_fds": 40000, "io/limits/bytes": 0, "io/limits/stanzas": 0, "io/limits/connects": 0}
        self.edit("router", {"pidfile": self.dir / "router.pid", "log/file": self.dir / "jabberd.log",
                             "local/ip": "127.0.0.1", "local/port": self.router_port, "local/secret": PASSWORD, **limits})
        self.component_port = self.router_port  # its router takes them
        self.edit("sm", {"pidfile": self.dir / "sm.pid", "local/id": DOMAIN, "storage/sqlite/dbname": database,
                         "user/auto-create": "", **common})
        self.edit("c2s", {"pidfile": self.dir / "c2s.pid", "local/ip": "127.0.0.1", "local/port": self.port,
                          "local/id": {"pemfile": str(self.home / "both.pem")}, "authreg/module": "sqlite",
                          "authreg/sqlite/dbname": database, "authreg/mechanisms/sasl/scram-sha-1": "",
                          "authreg/ssl-mechanisms/sasl/scram-sha-1": "",
                          **common, **limits})
        self.clear_port = self.port
        schema = subprocess.run(["zcat", self.schema], capture_output=True, text=True, check=True).stdout
        with sqlite3.connect(database) as db:
            db.executescript(schema)
            db.executemany("INSERT INTO authreg (username, realm, password) VALUES (?, ?, ?)",
                           [(user(i), DOMAIN, PASSWORD) for i in range(self.accounts)])

    def start(self):
        self.launch(["/usr/sbin/jabberd2-router", "-c", "router.xml"], self.router_port)
        for part in ("sm", "c2s"):
            self.launch([f"/usr/sbin/jabberd2-{part}", "-c", f"{part}.xml"])
        wait_port(self.port, self.processes[-1], self.log)
        time.sleep(1)  # sm and c2s have met when the router knows both; nothing says so


class Yardstick(Server):
    """Our own least server: what any server in several processes must spend (yardstick.c)."""

    name = program = "yardstick"
    variants = ("plain",)
    mechanisms = ("PLAIN",)
    sm = False
    build = None

    @classmethod
    def missing(cls):
        return None if (cls.build / "bench" / "yardstick").exists() else "not built"

    @classmethod
    def version(cls):
        return Jackdaw.version()

    def configure(self):
        pass

    def start(self):
        program = str(self.build / "bench" / "yardstick")
        self.launch([program, str(self.port), DOMAIN, str(self.chain), str(self.key)], self.port)
        self.launch([program, str(self.clear_port), DOMAIN], self.clear_port)


ALL = {cls.name: cls for cls in (Jackdaw, Yardstick, Prosody, ProsodyGenerational, ProsodySql, Ejabberd, EjabberdSql,
                                 Jabberd2)}
