"""The picture of both orders of service: an SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ranch.cli.demo.measure import Comparison, Waits, seconds
from ranch.cli.demo.run import BULK, EACH, INTERACTIVE, Job
from ranch.cli.demo.worker import PROCESSES

# Told apart by the colour-blind too, and bright over grey; each lane has a row of its own besides.
_COLOURS: Final = {"checkout": "#0072b2", "signup": "#d55e00", "support": "#009e73", BULK: "#8c959f"}
_INK: Final = "#1f2328"
_SOFT: Final = "#59636e"
_LINE: Final = "#d1d9e0"
#: Opaque, so that the picture reads the same on a light page and on a dark one.
_PAPER: Final = "#ffffff"

_BAND: Final = "#f6f8fa"

_SIZE: Final = (10.0, 5.2)
#: Where the panels begin and end, as shares of the width.
_LEFT, _RIGHT = 0.125, 0.975
_ROWS: Final = (*INTERACTIVE, BULK)
#: How much of its row a job fills, and waiting.
_HEIGHT: Final = 0.74
_THIN: Final = 0.2
#: A wait longer than this share of the width has room for words.
_LONG: Final = 0.3

_SETTINGS: Final = {
    # Ids in the file are random otherwise.
    "svg.hashsalt": "ranch",
    # Letters become outlines: the same picture where a font is missing.
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "xtick.color": _SOFT,
}


def draw(comparison: Comparison, path: Path) -> None:
    """Write the picture of two runs without problems to `path`: when each job ran, plain Celery above, ranch below."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    plain, ranch = comparison.plain.jobs, comparison.ranch.jobs
    end = max(comparison.plain.end, comparison.ranch.end)
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=_SIZE, facecolor=_PAPER)
        FigureCanvasSVG(figure)
        panels = figure.subplots(2, 1, sharex=True)
        figure.subplots_adjust(left=_LEFT, right=_RIGHT, top=0.765, bottom=0.1, hspace=0.28)
        panels[0].set_xlim(-0.01 * end, 1.01 * end)
        _head(figure, comparison)
        _panel(panels[0], plain, "Plain Celery", "one queue, first come, first served")
        _panel(panels[1], ranch, "With ranch", f"a lane for each sender, {comparison.strategy} chooses the next")
        panels[1].set_xlabel("seconds since the first job was sent")
        metadata = {"Date": None, "Creator": "ranch demo", "Title": comparison.conclusion()}
        figure.savefig(path, format="svg", metadata=metadata)


def _head(figure: Any, comparison: Comparison) -> None:
    from matplotlib.lines import Line2D

    jobs = comparison.plain.jobs
    plain, ranch = (seconds(waits.p50) for waits in comparison.interactive())
    figure.text(
        0.02, 0.935, f"Interactive jobs waited {plain} in plain Celery, {ranch} with ranch", size=14.5, weight="bold"
    )
    others = f"{', '.join(INTERACTIVE[:-1])} and {INTERACTIVE[-1]}"
    bulk = sum(job.lane == BULK for job in jobs)
    figure.text(
        0.02,
        0.878,
        f"Median waits. The bulk lane sends {bulk} jobs, right after it {others} send {EACH} each;"
        f" one worker, {PROCESSES} processes.",
        color=_SOFT,
    )
    marks = [
        Line2D([], [], color=_INK, marker="|", markersize=11, markeredgewidth=3, linestyle="", label="a job runs"),
        Line2D([], [], color=_INK, alpha=0.3, linewidth=5, label="jobs wait"),
    ]
    figure.legend(
        handles=marks,
        loc="upper right",
        bbox_to_anchor=(_RIGHT + 0.008, 0.845),
        ncols=2,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.6,
        handletextpad=0.5,
        labelcolor=_SOFT,
    )


def _panel(axes: Any, jobs: Sequence[Job], title: str, subtitle: str) -> None:
    name = axes.text(0, 1.045, title, transform=axes.transAxes, size=12, weight="bold")
    axes.annotate(subtitle, (1, 0), xytext=(8, 2.8), xycoords=name, textcoords="offset points", color=_SOFT)
    for row, lane in enumerate(_ROWS):
        axes.axhspan(row - 0.46, row + 0.46, color=_BAND, linewidth=0, zorder=0)
        own = [job for job in jobs if job.lane == lane]
        if lane != BULK:
            _wait(axes, row, own)
        _ticks(axes, row, own)
    axes.set_ylim(len(_ROWS) - 0.5, -0.5)
    axes.set_yticks(range(len(_ROWS)), _ROWS)
    axes.set_ylabel("lane", labelpad=8)
    for label, lane in zip(axes.get_yticklabels(), _ROWS, strict=True):
        label.set(color=_COLOURS[lane] if lane != BULK else _SOFT, weight="bold")
    axes.tick_params(length=0)
    axes.grid(axis="x", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _wait(axes: Any, row: int, jobs: Sequence[Job]) -> None:
    """Show from when to when jobs of a lane waited, and say how long."""
    from matplotlib.patches import Rectangle

    lane, first, last = jobs[0].lane, min(job.sent for job in jobs), max(job.started for job in jobs)
    corner = (first, row - _THIN / 2)
    axes.add_patch(Rectangle(corner, last - first, _THIN, color=_COLOURS[lane], alpha=0.3, linewidth=0))
    words = f"waited up to {seconds(Waits.of(jobs, lane).max)}"
    low, high = axes.get_xlim()
    if last - first > _LONG * (high - low):
        place = ((first + jobs[0].started) / 2, row)
        axes.text(*place, words, ha="center", va="center", bbox={"facecolor": _BAND, "edgecolor": "none", "pad": 3})
    else:
        axes.annotate(words, (jobs[-1].ended, row), xytext=(9, 0), textcoords="offset points", va="center")


def _ticks(axes: Any, row: int, jobs: Sequence[Job]) -> None:
    """Draw all jobs of a lane as one path: a shape for each would make the file many times as long."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    low, high = axes.get_xlim()
    points_per_second = _SIZE[0] * 72 * (_RIGHT - _LEFT) / (high - low)
    length = sum(job.ended - job.started for job in jobs) / len(jobs)
    points, codes = [], []
    for job in jobs:
        middle = (job.started + job.ended) / 2
        points += [(middle, row - _HEIGHT / 2), (middle, row + _HEIGHT / 2)]
        codes += [Outline.MOVETO, Outline.LINETO]
    # A hair narrower than the job took, so that one can be told from the next; and never too thin to be seen.
    width = max(length * points_per_second - 0.6, 0.4 if jobs[0].lane == BULK else 1.6)
    style = {"edgecolor": _COLOURS[jobs[0].lane], "linewidth": width, "capstyle": "butt", "fill": False}
    axes.add_patch(PathPatch(Outline(points, codes), **style))
