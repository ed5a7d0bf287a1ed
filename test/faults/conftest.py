"""What more than one of these files needs: a suite on a small file system of its own."""

import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

import suite as e2e


class SmallDisk:
    """A file system of its own that can be filled. Made where we may mount."""

    def __init__(self, folder, megabytes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "small", str(self.folder)], check=True)
        self.filler = self.folder / "filler"

    def free(self):
        stat = os.statvfs(self.folder)
        return stat.f_bavail * stat.f_frsize

    def fill(self, leave):
        """Until this many bytes are left."""
        with open(self.filler, "ab") as f:
            size = self.free() - leave
            assert size > 0
            os.posix_fallocate(f.fileno(), f.tell(), size)

    def fill_to_the_brim(self):
        with open(self.filler, "ab", buffering=0) as f, contextlib.suppress(OSError):
            while True:
                f.write(bytes(4096))

    def make_room(self):
        self.filler.unlink()

    def remove(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=False)
        shutil.rmtree(self.folder.parent, ignore_errors=True)


MAY_MOUNT = os.geteuid() == 0 and subprocess.run(
    ["unshare", "--mount", "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True, check=False).returncode == 0

MIB = 1 << 20
AUTHD_MARKS = "disk_warn_megabytes = 11\ndisk_full_megabytes = 7\nballast_megabytes = 4\n"
MARKS = "disk_warn_megabytes = 32\ndisk_archive_megabytes = 24\ndisk_full_megabytes = 12\nballast_megabytes = 8\n"


@pytest.fixture
def small():
    """(suite, disk): all of the suite lies on 64 MiB; storaged warns below 32, archives stop below 24, all below 12; authd warns below 11 and stops
    below 7."""
    if not MAY_MOUNT:
        pytest.skip("needs to mount a file system")
    disks = []

    def folder(home):
        disks.append(SmallDisk(home / "disk", 64))
        return home / "disk" / "suite"

    try:
        settings = {"storaged": MARKS, "sessiond": 'archive = "always"\n', "authd": AUTHD_MARKS}
        with e2e.Suite(settings=settings, folder=folder) as s:
            for name in ("alice", "bob", "carol"):
                s.add_user(f"{name}@localhost")
            yield s, disks[0]
    finally:
        for disk in disks:
            disk.remove()
