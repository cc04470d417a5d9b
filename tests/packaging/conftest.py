from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


class Environment:
    """A fresh virtual environment with ranch in it, as users install it, and the packages of the outer one beside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")])
        (site,) = (folder / "venv").glob("lib/python*/site-packages")
        # What ranch depends on need not be fetched. An editable ranch in there is not taken: nobody reads its .pth.
        (site / "outer.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
        self.install(ROOT)

    def install(self, project: Path) -> None:
        """Build a wheel of a project, and install it and nothing else."""
        wheels = self.folder / "wheels" / project.name
        self._run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(project)])
        (wheel,) = wheels.glob("*.whl")
        self._run([*PIP, "--python", str(self.python), "install", "--no-deps", "--no-index", str(wheel)])

    @property
    def wheels(self) -> Path:
        """The folder with the wheel of ranch."""
        return self.folder / "wheels" / ROOT.name

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of a process in it: none that leads back to this source tree."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
        return {**ours, "PYTHONWARNINGS": "ignore"}

    def run(self, *arguments: str, cwd: Path, timeout: float = 100) -> str:
        """Run Python in it; return what it printed."""
        return self._run([str(self.python), *arguments], cwd, timeout)

    def _run(self, command: list[str], cwd: Path | None = None, timeout: float = 100) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=self.variables, capture_output=True, text=True, check=False, timeout=timeout
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One for all tests of a process."""
    return Environment(tmp_path_factory.mktemp("environment"))
