"""Draws what each strategy makes of the same lanes, into docs/_static: run ``python docs/plots/shares.py``.

Three lanes always have jobs waiting, each gets a new one every second, and one job a second is served. After a minute a
fourth lane comes with twenty jobs. A second picture of weighted-lru shows its two entries in a flood of new lanes.

The numbers are those of the strategies themselves on `MemoryBackend`. Each file names them by a digest, so a test can
tell when a picture is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final

from ranch import Queue
from ranch.backends.memory import MemoryBackend
from ranch.testing import FakeClock

FOLDER: Final = Path(__file__).parents[1] / "_static"

#: Weight, bid and class of each lane; the last comes late.
LANES: Final = {"acme": (0.5, 3, 4), "bits": (1.0, 2, 3), "corp": (2.0, 1, 2), "zoe": (1.0, 2, 3)}
SECONDS, LATE, LATE_JOBS = 180, 60, 20

STRATEGIES: Final[dict[str, dict[str, Any]]] = {
    "weighted-lru": {},
    "round-robin": {},
    "bid": {"ageing": 0.1},
    "priority": {"step": 10.0},
    "lottery": {},
}
NOTES: Final = {
    "weighted-lru": "weights 0.5, 1 and 2",
    "round-robin": "",
    "bid": "bids 3, 2 and 1, ageing 0.1 a second",
    "priority": "classes 4, 3 and 2, a step of 10 seconds",
    "lottery": "weights 0.5, 1 and 2",
}

STANDING, FLOOD, SERVICES, EVERY = 20, 1.1, 6000, 100

Curves = dict[str, list[float]]


def served(strategy: str) -> Curves:
    """Return how many jobs of each lane were served, second by second; the late lane's curve begins when it comes."""
    clock = FakeClock()
    queue = Queue(
        "q", backend=MemoryBackend(clock=clock), strategy={"name": strategy, **STRATEGIES[strategy]}, lease=1e9
    )
    for lane, (weight, bid, number) in LANES.items():
        queue.lane(lane).update(weight=weight, data={"bid": bid, "priority": number})
    *steady, late = LANES
    counts = dict.fromkeys(LANES, 0)
    curves: Curves = {lane: [] for lane in LANES}
    for second in range(SECONDS):
        queue.enqueue_many([(lane, None) for lane in steady])
        if second == LATE:
            queue.enqueue_many([(late, None)] * LATE_JOBS)
        lease = queue.claim()
        counts[lease.job.lane] += 1
        for lane in steady if second < LATE else LANES:
            curves[lane].append(counts[lane])
        clock.advance(1.0)
    return curves


def left_by_a_flood(entry: str) -> list[float]:
    """Return how many jobs of standing lanes were served, after each hundred services, in a flood of new lanes."""
    queue = Queue("q", backend="memory://", strategy={"name": "weighted-lru", "entry": entry}, lease=1e9)
    queue.enqueue_many([(f"standing {number}", None) for number in range(STANDING)])
    random = Random(3)
    arrival, count, counts = random.expovariate(FLOOD), 0, [0.0]
    for service in range(SERVICES):
        while arrival <= service:
            queue.enqueue(f"new {arrival}", None)
            arrival += random.expovariate(FLOOD)
        lease = queue.claim()
        if lease.job.lane.startswith("standing"):
            count += 1
            queue.enqueue(lease.job.lane, None)
        lease.ack()
        if (service + 1) % EVERY == 0:
            counts.append(count)
    return counts


def curves() -> dict[str, Curves]:
    """Return the numbers of each picture."""
    return {
        **{strategy: served(strategy) for strategy in STRATEGIES},
        "entry": {entry: left_by_a_flood(entry) for entry in ("fair", "front")},
    }


def digest(lines: Mapping[str, list[float]]) -> str:
    """Return what tells the numbers of one picture from others."""
    rounded = {name: [round(value, 6) for value in values] for name, values in lines.items()}
    return sha256(json.dumps(rounded).encode()).hexdigest()[:16]


# Told apart by the colour-blind too; each line is named at its end besides.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#8250df")
INK, SOFT, PAPER = "#1f2328", "#59636e", "#ffffff"
SETTINGS: Final = {
    "svg.hashsalt": "ranch",  # ids are random otherwise
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": "#d1d9e0",
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
}


def draw(name: str, lines: Curves) -> None:
    """Write one picture."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    flood = name == "entry"
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 3.2), facecolor=PAPER)
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.09, 0.16, 0.79, 0.68))
        for colour, values in zip(COLOURS, lines.values(), strict=False):
            xs = range(0, SERVICES + 1, EVERY) if flood else range(SECONDS - len(values) + 1, SECONDS + 1)
            axes.plot(xs, values, color=colour, linewidth=1.8)
        highest = max(map(max, lines.values()))
        for colour, lane, height in _named(lines, 0.08 * highest):
            right = axes.get_yaxis_transform()  # across the axes, and by their numbers upwards
            axes.text(1.01, height, lane, transform=right, color=colour, va="center")
        axes.set_xlim(0, SERVICES if flood else SECONDS)
        axes.set_ylim(0, 1.2 * highest)
        axes.set_xlabel("services" if flood else "seconds, one service in each")
        axes.spines[["top", "right"]].set_visible(False)
        title = "weighted-lru, a flood of new lanes" if flood else name
        what = "jobs of 20 standing lanes served so far" if flood else "jobs served so far"
        note = "" if flood else NOTES[name]
        figure.text(0.02, 0.92, title, fontsize=12, fontweight="bold")
        figure.text(0.98, 0.92, f"{what}; {note}" if note else what, color=SOFT, ha="right")
        figure.savefig(FOLDER / f"{name}.svg", facecolor=PAPER, metadata={"Date": None, "Description": digest(lines)})


def _named(lines: Curves, apart: float) -> list[tuple[str, str, float]]:
    """Return each line's colour, name, and where the name stands: at the line's end, but clear of the others'."""
    named: list[tuple[str, str, float]] = []
    ends = sorted(zip(COLOURS, lines.items(), strict=False), key=lambda line: line[1][1][-1])
    for colour, (lane, values) in ends:
        lowest = named[-1][2] + apart if named else 0.0
        named.append((colour, lane, max(values[-1], lowest)))
    return named


if __name__ == "__main__":
    for picture, numbers in curves().items():
        draw(picture, numbers)
        print(FOLDER / f"{picture}.svg")
