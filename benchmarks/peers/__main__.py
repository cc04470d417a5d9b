"""``python -m benchmarks.peers``: install each peer into an environment of its own, and run all of them by turns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import click
import redis
from attrs import field, frozen
from rich.console import Console
from rich.progress import Progress

from benchmarks.tables import Report, rate
from ranch.testing.server import RedisServer

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "peers"
SLOTS = (1, 10, 100)
#: Seconds for one run of one of them.
PATIENCE = 300


@frozen
class Peer:
    """A program that runs no-op jobs, and prints how many a second."""

    module: str
    #: What pip installs for it; nothing for ranch itself, whose environment is this one.
    packages: tuple[str, ...] = ()
    rates: dict[int, list[float]] = field(factory=lambda: {slots: [] for slots in SLOTS})

    @property
    def _home(self) -> Path:
        return FOLDER / self.module

    def install(self) -> str:
        """Make its environment if it is not there; return which version is in it."""
        if not self.packages:
            return "here"
        program = self._home / "bin" / "python"
        if not program.exists():
            subprocess.run([sys.executable, "-m", "venv", self._home], check=True)
        pip = [str(program), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", *self.packages], check=True)
        frozen_there = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
        (version,) = (line for line in frozen_there.lower().splitlines() if line.startswith(f"{self.packages[0]}=="))
        return version.partition("==")[2]

    def run(self, url: str, jobs: int, slots: int) -> None:
        """Let it enqueue and run jobs, and keep how many a second it ran."""
        program = str(self._home / "bin" / "python") if self.packages else sys.executable
        command = [program, "-m", f"benchmarks.peers.{self.module}", url, str(jobs), str(slots)]
        ran = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=PATIENCE,
        )
        if ran.returncode:
            raise click.ClickException(f"{' '.join(command)} failed with {ran.returncode}:\n{ran.stderr[-2000:]}")
        self.rates[slots].append(float(ran.stdout.split()[-1]))

    @property
    def best(self) -> float:
        """What it does with the slots that suit it best."""
        return max(median(rates) for rates in self.rates.values())


def peers() -> list[Peer]:
    """Return ranch, and whoever has a worker on Redis and can be installed from PyPI."""
    return [
        Peer("with_ranch"),
        Peer("with_ranch_threads"),
        Peer("with_streaq", ("streaq",)),
        Peer("with_arq", ("arq",)),
        Peer("with_taskiq", ("taskiq-redis",)),
        Peer("with_huey", ("huey", "redis")),
        Peer("with_dramatiq", ("dramatiq", "redis")),
        Peer("with_rq", ("rq",)),
    ]


@click.command()
@click.option("--jobs", default=3_000, show_default=True, help="In each run.")
@click.option("--rounds", default=3, show_default=True, help="The median counts.")
def main(*, jobs: int, rounds: int) -> None:
    """Measure no-op jobs a second: one worker process, Redis on the loopback, no results kept."""
    console, everybody = Console(), peers()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        steps = progress.add_task("installing", total=len(everybody) * (1 + rounds * len(SLOTS)))
        versions = []
        for peer in everybody:
            progress.update(steps, description=f"installing {peer.module}")
            versions.append(peer.install())
            progress.advance(steps)
        with RedisServer() as server, redis.Redis.from_url(server.url) as client:
            for _ in range(rounds):
                for slots in SLOTS:
                    for peer in everybody:
                        progress.update(steps, description=f"{peer.module}, {slots} slots")
                        client.flushall()
                        peer.run(server.tcp_url, jobs, slots)
                        progress.advance(steps)
    console.print(_report(everybody, versions).table(), "")


def _report(everybody: list[Peer], versions: list[str]) -> Report:
    report = Report(
        "No-op jobs a second, one worker process on Redis",
        ("", "version", *(f"{slots} slots" for slots in SLOTS), "ranch x"),
        "Slots: coroutines or threads at a time; rq has one. "
        "Jobs wait in ten lanes of ranch, and in one queue of each peer. "
        "ranch x: the better of ranch's two at its best, against this one at its best (at least 1).",
    )
    ours = max(peer.best for peer in everybody if not peer.packages)
    for peer, version in zip(everybody, versions, strict=True):
        medians = (rate(median(peer.rates[slots])) for slots in SLOTS)
        name = peer.module.removeprefix("with_").replace("_", ", ")
        report.rows.append((name, version, *medians, f"{ours / peer.best:.2f}"))
    return report


if __name__ == "__main__":
    main()
