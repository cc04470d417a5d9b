"""A PostgreSQL server of the tests' own, from Debian's package or whatever else is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from ranch.testing.waiting import wait_until


class PostgresServer:
    """A server on a Unix socket in a folder of its own, which keeps nothing on disk for sure and is gone afterwards.

    Its database sorts text as people do, so what wants bytes in order has to say so. It ends with the thread that has
    started it, even with a killed one.
    """

    def __init__(self):
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="ranch-postgres-"))
        self._process = None
        # PostgreSQL does not run as root.
        self._as_user = []
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            self.user = "postgres"
            self._as_user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self._folder, "postgres", "postgres")
        options = ["--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C.UTF-8"]
        icu = ["--locale-provider=icu", "--icu-locale=en-US"]
        self._run("initdb", "--pgdata", str(self._data), *options, *icu, timeout=60)

    @property
    def _data(self):
        return self._folder / "data"

    @property
    def url(self):
        return f"postgresql://{self.user}@/postgres?host={self._folder}"

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "full_page_writes": "off",
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self._data), *arguments),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers)

    def kill(self):
        """End the server and all its processes at once, without a word to its clients."""
        # SIGQUIT: it kills its children and leaves recovery to the next start.
        self._process.send_signal(3)
        self._process.wait(20)
        self._process = None

    def stop(self):
        if self._process:
            self.kill()
        shutil.rmtree(self._folder)

    def _answers(self):
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program, *arguments, timeout):
        command = self._command(program, *arguments)
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False, timeout=timeout)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def _command(self, program, *arguments):
        return ["setpriv", *self._as_user, "--pdeathsig=KILL", str(self._programs / program), *arguments]


def _programs():
    """Return the folder of the newest server there is."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    # Debian's packages keep the versions apart, and out of PATH.
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return max(folders, key=lambda folder: int(folder.parent.name))
