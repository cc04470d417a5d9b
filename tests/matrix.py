"""Runs the tests of the Celery embedding on several versions of Celery and Python: ``make matrix``.

Each pair has an environment of its own under ``build/matrix``, with the kombu that pip finds for that Celery.
With ``--short``, a few files of tests on the oldest Celery and on the last one before the newest, on the Python that
runs this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ranch.testing.server import find_server

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "matrix"

#: The newest Celery and Python meet all others.
PAIRS = [("5.4", "3.10"), ("5.5", "3.11"), ("5.6", "3.12"), ("5.6", "3.13"), ("5.7", "3.10"), ("5.7", "3.13")]
#: Celery and kombu of one time: pip would pair an old Celery with the newest kombu.
KOMBU = {"5.4": "5.4", "5.5": "5.5", "5.6": "5.6", "5.7": "5.7"}
#: What these tests need.
PACKAGES = [
    *("eventlet", "gevent", "pytest>=9", "pytest-asyncio>=1.3", "pytest-timeout>=2.4", "pytest-xdist>=3.8", "sybil>=9"),
    *("flower", "opentelemetry-instrumentation-celery", "opentelemetry-sdk", "sentry-sdk"),
]
#: It refuses newer ones.
WITH_BATCHES = {"5.4", "5.5", "5.6"}
#: Older versions leave sockets to the garbage collector, and call what redis-py deprecates; `make test` is strict.
LENIENT = [
    *("-W", "ignore::DeprecationWarning"),
    *("-W", "ignore::ResourceWarning"),
    *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
#: With what is tested nowhere else, for celery-batches is not for the newest Celery.
SMOKE = ["tests/celery/test_features.py", "tests/celery/test_touched.py", "tests/celery/test_watched.py"]


def find_python(version: str) -> str | None:
    """Return the newest interpreter of a version that this machine has."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    homes = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    installed = sorted(homes.glob(f"{version}.*/bin/python"))
    return str(installed[-1]) if installed else shutil.which(f"python{version}")


def run(celery: str, python: str, tests: list[str], options: list[str]) -> bool:
    """Run tests on one pair; return whether they passed."""
    interpreter = find_python(python)
    if interpreter is None:
        sys.stderr.write(f"Celery {celery} on Python {python}: no such Python here\n")
        return False
    environment = FOLDER / f"celery{celery}-python{python}"
    program = environment / "bin" / "python"
    if not program.exists():
        subprocess.run([interpreter, "-m", "venv", environment], check=True)
    install = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    versions = [f"celery=={celery}.*", f"kombu[redis]=={KOMBU[celery]}.*"]
    if celery in WITH_BATCHES:
        versions.append("celery-batches")
    subprocess.run([*install, "--editable", ".[msgpack,testing,yaml]", *PACKAGES, *versions], check=True, cwd=ROOT)
    sys.stderr.write(f"Celery {celery} on Python {python}\n")
    # More than there may be cores: these tests wait for processes of their own most of the time.
    command = [program, "-m", "pytest", "-q", "-n", "4", "--dist", "loadgroup", *LENIENT, *tests, *options]
    # The package that brings a server has no build for Python 3.10: what this Python has will do for all.
    path = os.pathsep.join([str(find_server().parent), os.environ["PATH"]])
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, "PATH": path}).returncode == 0


def main(arguments: list[str]) -> int:
    """Run all pairs, or the short form."""
    options = [argument for argument in arguments if argument != "--short"]
    this = ".".join(map(str, sys.version_info[:2]))
    if "--short" in arguments:
        oldest, *_, last, _ = sorted(KOMBU)
        passed = [run(celery, this, SMOKE, options) for celery in (oldest, last)]
    else:
        passed = [run(celery, python, ["tests/celery"], options) for celery, python in PAIRS]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
