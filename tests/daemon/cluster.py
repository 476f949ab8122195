"""A PostgreSQL of the test's own, which can be frozen, killed and started again.

All tests share the one of tests/support/servers.py. This one has fsync off and nothing else:
what was committed is there after the process was killed.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile

from backends import free_port, psql
from client import wait_for

USER = "recsys_test"


def find(name):
    return shutil.which(name) or sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name))[-1]


def children(pid):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


class Cluster:
    """`with Cluster(recsysctl) as postgres:` With schema and demo rows."""

    def __init__(self, recsysctl):
        self.folder, self.port, self.process, self.how = tempfile.mkdtemp(prefix="recsysd-pg-"), free_port(), None, {}
        if os.getuid() == 0:  # PostgreSQL does not run as root
            users = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = users.get("postgres") or users["nobody"]
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.how = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self.data = os.path.join(self.folder, "db")
        self.conninfo = "postgresql://%s@127.0.0.1:%d/postgres" % (USER, self.port)
        try:
            subprocess.run([find("initdb"), "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C",
                            "--no-sync"], cwd=self.folder, check=True, capture_output=True, **self.how)
            self.start()
            subprocess.run([recsysctl, "migrate", "--database", self.conninfo, "--demo"], check=True,
                           capture_output=True)
        except BaseException:
            self.close()
            raise

    def start(self):
        self.process = subprocess.Popen(
            [find("postgres"), "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c",
             "unix_socket_directories=" + self.folder, "-c", "fsync=off", "-c", "jit=off"], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            **self.how)
        assert wait_for(self.answers), "PostgreSQL does not come up"

    def answers(self):
        try:
            return psql(self.conninfo, "SELECT 1") == "1"
        except AssertionError:
            return False

    def run(self, statement):
        return psql(self.conninfo, statement)

    def signal(self, number):
        """To all of its processes, the one that makes others first."""
        for pid in [self.process.pid, *children(self.process.pid)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
