"""The suite as `make install` puts it onto a machine: users, the LSB script, run scripts, systemd's way of starting.

All of it happens in namespaces with their own copies of /etc, /usr/local, /var and /run: the machine stays as it is."""

import configparser
import os
import pathlib
import re
import subprocess
import textwrap

import pytest

from suite import BUILD, DAEMONS, PATIENCE, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
CTL = "/usr/local/bin/jackdawctl"
SCRIPT = "/etc/init.d/jackdaw"
LIBEXEC = "/usr/local/libexec/jackdaw"
NAMES = [f"{daemon}.0" for daemon in DAEMONS]

SETUP = """
set -e
mount --make-rprivate /
mount -t tmpfs none {scratch}
for d in etc usr/local var; do
    mkdir -p {scratch}/$d/upper {scratch}/$d/work
    mount -t overlay none -o lowerdir=/$d,upperdir={scratch}/$d/upper,workdir={scratch}/$d/work /$d
done
mount -t tmpfs none /run
ip link set lo up
echo ready
exec /usr/bin/python3 -c '
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    signal.pause()'
"""

pytestmark = pytest.mark.skipif(
    len(pathlib.Path("/proc/self/uid_map").read_text().split()) == 3
    and int(pathlib.Path("/proc/self/uid_map").read_text().split()[2]) < 65536,
    reason="needs real root: this user namespace has no users for the daemons to become")


class Machine:
    """A machine to install the suite on."""

    def __init__(self, scratch):
        self.process = subprocess.Popen(
            ["unshare", "-mnpf", "--mount-proc", "--kill-child", "sh", "-c", SETUP.format(scratch=scratch)],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pid = int(children.read_text().split()[0])

    def close(self):
        self.process.kill()
        self.process.wait()

    def command(self, *args):
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "--wd=/", *map(str, args)]

    def run(self, *args, check=True, **options):
        options.setdefault("timeout", 60 * PATIENCE)
        done = subprocess.run(self.command(*args), capture_output=True, text=True, check=False, **options)
        if check:
            assert done.returncode == 0, f"{args}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def sh(self, text, check=True):
        return self.run("sh", "-c", text, check=check)

    def make(self, target):
        variables = ["CC=clang", "SANITIZE=address,undefined"] if os.environ.get("JACKDAW_SANITIZE") else []
        return self.run("make", "-C", ROOT, "-o", "all", f"BUILD={BUILD}", *variables, target, timeout=120 * PATIENCE)

    def ctl(self, *args, **options):
        return self.run(CTL, *args, **options)

    def status(self):
        """Daemon name → (pid, state, link)."""
        rows = {}
        for line in self.ctl("status", check=False).stdout.splitlines()[1:]:
            name, pid, state, link = line.split()[:4]
            rows[name] = (int(pid) if pid.isdigit() else 0, state, link)
        return rows

    def is_up(self):
        rows = self.status()
        return len(rows) == len(NAMES) and all(
            state == "ready" and link in ("up", "-") for _, state, link in rows.values())

    def process_facts(self, pid):
        text = self.run("cat", f"/proc/{pid}/status").stdout
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def check_isolation(self):
        """Each daemon under its own user, without any privilege, in its filter."""
        users = set()
        for name, (pid, _, _) in self.status().items():
            facts = self.process_facts(pid)
            user = self.run("id", "-un", facts["Uid"].split()[0]).stdout.strip()
            assert user == "jackdaw-" + name.split(".")[0]
            users.add(user)
            assert len(set(facts["Uid"].split())) == 1 and len(set(facts["Gid"].split())) == 1
            assert facts["Groups"].split() in ([], [facts["Gid"].split()[0]])
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(facts[kind], 16) == 0 or kind == "CapBnd" and facts["NoNewPrivs"] == "1", (name, kind)
            assert facts["NoNewPrivs"] == "1"
            assert facts["Seccomp"] == "2"
        assert len(users) == len(NAMES)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """With the suite installed, and nothing done to it yet."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        assert machine.run("test", "-e", "/etc/jackdaw", check=False).returncode == 1, "a suite is installed here"
        machine.make("install")
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def machine(bare):
    bare.ctl("init", "--domain", "example.org")
    yield bare


def test_install_creates_users_and_files(bare):
    for daemon in DAEMONS:
        user = bare.run("getent", "passwd", f"jackdaw-{daemon}").stdout.split(":")
        assert user[6].strip().endswith(("nologin", "false"))
        assert bare.run("test", "-x", f"{LIBEXEC}/{daemon}").returncode == 0
    for path in (SCRIPT, "/etc/logrotate.d/jackdaw", "/usr/local/lib/systemd/system/jackdaw.target",
                 "/usr/local/share/jackdaw/runit/keyd/run", "/usr/local/share/man/man8/jackdawctl.8"):
        assert bare.run("test", "-e", path).returncode == 0, path
    assert bare.run("test", "-x", SCRIPT).returncode == 0
    bare.make("install")  # again: nothing to complain about


def test_the_script_before_anything_was_set_up(bare):
    assert bare.run(SCRIPT, "status", check=False).returncode == 3
    assert bare.run(SCRIPT, check=False).returncode == 2
    assert bare.run(SCRIPT, "nonsense", check=False).returncode == 2
    bare.run(SCRIPT, "stop")


def test_init_keeps_settings_that_are_there(bare):
    bare.sh("echo '# my own remark' >>/etc/jackdaw/c2sd.conf")
    bare.ctl("init", "--domain", "example.org")
    bare.ctl("init", "--domain", "example.org", "--domain", "example.net")
    assert bare.ctl("domain", "list").stdout.split() == ["example.org", "example.net"]
    bare.ctl("domain", "del", "example.net")
    bare.make("install")
    assert "my own remark" in bare.run("cat", "/etc/jackdaw/c2sd.conf").stdout
    for folder, mode in (("/etc/jackdaw", "755"), ("/var/lib/jackdaw/keys", "700"), ("/var/lib/jackdaw/authd", "700"),
                         ("/var/log/jackdaw", "700"), ("/run/jackdaw/c2sd", "700")):
        assert bare.run("stat", "-c", "%a", folder).stdout.strip() == mode, folder


def test_nobody_but_root_administers(machine):
    done = machine.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CTL, "up", "--detach", check=False)
    assert done.returncode == 1 and "only root" in done.stderr
    done = machine.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CTL, "init", check=False)
    assert done.returncode == 1 and "only root" in done.stderr


def test_the_lsb_script(machine):
    machine.run(SCRIPT, "start")
    try:
        assert machine.is_up()
        machine.check_isolation()
        assert "runs already" in machine.run(SCRIPT, "start").stdout
        assert machine.run(SCRIPT, "status").returncode == 0
        before = machine.status()

        machine.run(SCRIPT, "restart", "c2sd")
        after = machine.status()
        assert {name for name in before if before[name][0] != after[name][0]} == {"c2sd.0"}
        machine.run(SCRIPT, "stop", "keyd")
        assert machine.run(SCRIPT, "status", check=False).returncode == 3
        assert machine.run(SCRIPT, "status", "keyd", check=False).returncode == 3
        assert machine.run(SCRIPT, "status", "router").returncode == 0
        machine.run(SCRIPT, "start", "keyd")
        assert machine.is_up()

        machine.run(SCRIPT, "reload")
        machine.run(SCRIPT, "reload", "c2sd")
        machine.sh("cp /etc/jackdaw/c2sd.conf /etc/jackdaw/c2sd.kept; echo nonsense >>/etc/jackdaw/c2sd.conf")
        done = machine.run(SCRIPT, "reload", "c2sd", check=False)
        assert done.returncode != 0 and re.search(r"c2sd\.conf:\d+:", done.stderr)
        machine.sh("mv /etc/jackdaw/c2sd.kept /etc/jackdaw/c2sd.conf")
        assert machine.is_up()

        machine.run(CTL, "user", "add", "alice@example.org", input="secret\n")
        for name in NAMES:
            old = machine.status()[name][0]
            machine.run("kill", "-9", old)
            wait_for(lambda name=name, old=old: machine.status()[name][0] not in (0, old), 5, f"{name} is back")
        wait_for(machine.is_up, 10, "all are linked")
        machine.check_isolation()
        machine.run(SCRIPT, "restart")
        assert machine.is_up()
        assert machine.ctl("user", "list").stdout == "alice@example.org\n"
    finally:
        machine.run(SCRIPT, "stop")
    assert machine.run(SCRIPT, "status", check=False).returncode == 3
    machine.run(SCRIPT, "stop")


def test_after_a_boot_run_is_empty(machine):
    machine.sh("rm -rf /run/jackdaw")
    assert machine.run(SCRIPT, "status", check=False).returncode == 3
    machine.run(SCRIPT, "start")
    try:
        assert machine.is_up()
        machine.ctl("user", "list")
    finally:
        machine.run(SCRIPT, "stop")


def test_a_lost_supervisor_is_replaced_by_start(machine):
    machine.run(SCRIPT, "start")
    try:
        before = machine.status()
        machine.sh("kill -9 $(cat /run/jackdaw/supervisor.pid)")
        assert machine.run(SCRIPT, "status").returncode == 0
        machine.sh(f"kill -9 {before['authd.0'][0]}")
        machine.run(SCRIPT, "start")
        after = machine.status()
        assert {name for name in before if before[name][0] != after[name][0]} == {"authd.0"}
    finally:
        machine.run(SCRIPT, "stop")


def test_a_missing_user_is_said(machine):
    machine.sh("cp /etc/passwd /etc/passwd.kept; sed -i '/^jackdaw-keyd:/d' /etc/passwd")
    try:
        done = machine.run(SCRIPT, "start", check=False)
        assert done.returncode != 0
        assert "no user jackdaw-keyd" in done.stderr and "make install" in done.stderr
    finally:
        machine.sh("mv /etc/passwd.kept /etc/passwd")


def test_backup_and_restore_keep_owners(machine):
    machine.run(SCRIPT, "start")
    machine.run(CTL, "user", "add", "kept@example.org", input="secret\n")
    machine.ctl("backup", "/var/backup.tar")
    machine.ctl("user", "del", "kept@example.org")
    machine.run(SCRIPT, "stop")
    machine.ctl("restore", "/var/backup.tar")
    assert machine.run("stat", "-c", "%U %a", "/var/lib/jackdaw/authd/credentials.db").stdout.strip() == "jackdaw-authd 600"
    machine.run(SCRIPT, "start")
    assert "kept@example.org" in machine.ctl("user", "list").stdout
    machine.run(SCRIPT, "stop")


def test_a_full_disk_costs_log_lines_only(machine):
    machine.sh("mv /var/log/jackdaw /var/log/jackdaw.kept; mkdir /var/log/jackdaw;"
               "mount -t tmpfs -o size=16k none /var/log/jackdaw")
    try:
        machine.run(SCRIPT, "start")
        before = machine.status()
        machine.sh("for n in $(seq 400); do echo 'a line that is long enough to fill this disk before long' "
                   ">/run/jackdaw/router.0.log-pipe; done")
        assert machine.is_up() and machine.status() == before
        machine.sh("rm /var/log/jackdaw/*; kill -USR1 $(cat /run/jackdaw/supervisor.pid)")
        machine.run(SCRIPT, "restart", "router")
        assert "were lost" in machine.run("cat", "/var/log/jackdaw/router.log").stdout
    finally:
        machine.run(SCRIPT, "stop")
        machine.sh("umount /var/log/jackdaw; rmdir /var/log/jackdaw; mv /var/log/jackdaw.kept /var/log/jackdaw")


# ---- daemontools-style supervisors ----

def test_run_scripts(machine):
    machine.sh("rm -rf /run/jackdaw")
    children = [subprocess.Popen(machine.command(f"/usr/local/share/jackdaw/runit/{daemon}/run"),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) for daemon in reversed(DAEMONS)]
    try:
        wait_for(machine.is_up, 20, "all are up")
        machine.check_isolation()
        assert machine.ctl("user", "list").returncode == 0
        for name, (pid, _, _) in machine.status().items():
            machine.run("kill", "-TERM", pid)
        assert [child.wait(10 * PATIENCE) for child in children] == [0] * len(children)
    finally:
        for child in children:
            child.kill()


# ---- systemd ----

def unit(path):
    parser = configparser.RawConfigParser(strict=False, dict_type=MultiDict)
    parser.optionxform = str
    parser.read(path)
    return parser


class MultiDict(dict):
    """Keys that come several times have all their values, with newlines between."""

    def __setitem__(self, key, value):
        if isinstance(value, list) and key in self:
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


LAUNCH = textwrap.dedent("""
    import os, socket, sys
    names, user, program, *args = sys.argv[1:]
    fds = []
    for number, listener in enumerate(names.split()):
        kind, where, name, owner = listener.split("|")
        if where.isdigit():
            s = socket.create_server(("::", int(where)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
        else:
            if os.path.exists(where):
                os.unlink(where)
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET if kind == "seq" else socket.SOCK_STREAM)
            s.bind(where)
            os.chmod(where, 0o600)
            import pwd
            os.chown(where, pwd.getpwnam(owner).pw_uid, -1)
            s.listen(128)
        fds.append((os.dup(s.fileno()), name))
    high = [os.dup2(fd, 200 + n) for n, (fd, _) in enumerate(fds)]
    for n, fd in enumerate(high):
        os.dup2(fd, 3 + n)
        os.set_inheritable(3 + n, True)
    os.closerange(3 + len(fds), 400)
    if fds:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(n for _, n in fds))
    import pwd
    entry = pwd.getpwnam(user)
    os.setgroups([entry.pw_gid]); os.setresgid(*[entry.pw_gid] * 3); os.setresuid(*[entry.pw_uid] * 3)
    os.execv(program, [program, *args])
    """)


def sockets_of(service):
    """What the [Socket] units that this service names would bind: kind|where|name|owner."""
    found = []
    for name in service["Service"].get("Sockets", "").split():
        base, _, instance = name.removesuffix(".socket").partition("@")
        file = ROOT / "etc" / "systemd" / (f"{base}@.socket" if instance else f"{base}.socket")
        socket_unit = unit(file)["Socket"]
        kind = "seq" if "ListenSequentialPacket" in socket_unit else "stream"
        where = socket_unit.get("ListenSequentialPacket") or socket_unit["ListenStream"]
        assert unit(file)["Socket"]["Service"].startswith("jackdaw-")
        found.append("|".join((kind, where, socket_unit["FileDescriptorName"], socket_unit.get("SocketUser", "root")))
                     .replace("%i", instance))
    return found


def test_the_way_systemd_starts_them(machine):
    """As the units say: own user from the start, sockets passed by name, folders by tmpfiles."""
    machine.sh("rm -rf /run/jackdaw")
    machine.run("systemd-tmpfiles", "--create", "/usr/local/lib/tmpfiles.d/jackdaw.conf")
    units = ROOT / "etc" / "systemd"
    wanted = {name for line in (units / "jackdaw.target").read_text().splitlines() if line.startswith("Wants=")
              for name in line.removeprefix("Wants=").split() if name.endswith(".service")}
    children = []
    try:
        for name in sorted(wanted):
            service = unit(units / name.replace("@0.", "@."))
            user = service["Service"]["User"]
            command = service["Service"]["ExecStart"].replace("%i", "0").split()
            assert command[0].startswith(LIBEXEC)
            children.append(subprocess.Popen(
                machine.command("/usr/bin/python3", "-c", LAUNCH, " ".join(sockets_of(service)), user, *command),
                stderr=subprocess.PIPE, text=True))
        assert len(children) == len(DAEMONS)
        wait_for(machine.is_up, 20, "all are up")
        machine.check_isolation()
        assert machine.ctl("user", "list").returncode == 0
        assert "example.org" in machine.ctl("cert", "list").stdout
        machine.ctl("reload")
        machine.ctl("domain", "add", "systemd.example")
        machine.ctl("domain", "del", "systemd.example")
    finally:
        machine.ctl("down", check=False)
        for child in children:
            child.kill()
            print(child.communicate()[1])


def test_sysusers_and_users_agree():
    script = set(re.search(r"^roles='(.*)'$", (ROOT / "etc" / "users").read_text(), re.M).group(1).split())
    lines = (ROOT / "etc" / "sysusers.d" / "jackdaw.conf").read_text().splitlines()
    assert {line.split()[1].removeprefix("jackdaw-") for line in lines if line.startswith("u ")} == script
    assert set(DAEMONS) <= script


# ---- and away again; last ----

def test_uninstall_leaves_settings_and_data(machine):
    machine.make("uninstall")
    for path in (CTL, LIBEXEC, SCRIPT, "/usr/local/lib/systemd/system/jackdaw.target"):
        assert machine.run("test", "-e", path, check=False).returncode == 1, path
    for path in ("/etc/jackdaw/jackdaw.conf", "/var/lib/jackdaw/authd/credentials.db"):
        assert machine.run("test", "-e", path).returncode == 0, path
