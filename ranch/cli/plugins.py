"""`ranch plugins`: what is installed, and what it gives."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from typing import Any

import click

from ranch.exceptions import PluginWarning
from ranch.hooks.catalogue import Catalogue
from ranch.hooks.manager import Plugins


@click.command(short_help="Show which plugins are installed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--all", "show_all", is_flag=True, help="Show plugins that are blocked or broken too, and why.")
def plugins(*, as_json: bool, show_all: bool) -> None:
    """Show which plugins are installed, from which distribution, and which names they give.

    What comes with ranch is a plugin too. A name is chosen in a configuration: a strategy by "strategy", a weight
    function by "weight_function", a backend by the scheme of its URL, a serializer by "serializer".
    """
    with warnings.catch_warnings():
        # What is broken is told here, or asked for with --all; nobody needs the traceback as well.
        warnings.simplefilter("ignore", PluginWarning)
        found = Plugins()
    distributions = _distributions(found)
    if as_json:
        shown = distributions if show_all else [one for one in distributions if one["state"] == "loaded"]
        click.echo(json.dumps(shown, indent=2))
    else:
        _print(distributions, show_all=show_all)


def _distributions(found: Plugins) -> list[dict[str, Any]]:
    """Describe each distribution, once for each state that its plugins are in."""
    described: dict[tuple[str, str, str], dict[str, Any]] = {}
    for plugin in found.discovered:
        name, _, version = plugin.distribution.rpartition(" ")
        key = (plugin.distribution, plugin.state, plugin.reason)
        one = described.setdefault(
            key,
            {
                "distribution": name,
                "version": version,
                "state": plugin.state,
                "reason": plugin.reason,
                "plugins": [],
                "gives": {},
            },
        )
        one["plugins"].append(plugin.name)
        if plugin.state == "loaded":
            one["gives"] = {catalogue.kind: _given(catalogue, plugin.distribution) for catalogue in _catalogues(found)}
    return list(described.values())


def _catalogues(found: Plugins) -> Iterable[Catalogue[Any]]:
    # Every kind there is, so that a new kind of plugin is shown without a word here.
    return [value for value in vars(found).values() if isinstance(value, Catalogue)]


def _given(catalogue: Catalogue[Any], distribution: str) -> list[dict[str, str]]:
    return [{"name": name, "summary": catalogue[name].summary} for name in sorted(catalogue.given_by(distribution))]


def _print(distributions: list[dict[str, Any]], *, show_all: bool) -> None:
    left_out = 0
    for one in distributions:
        title = f"{one['distribution']} {one['version']}"
        if one["state"] == "loaded":
            click.echo(title)
            for kind, records in one["gives"].items():
                for record in records:
                    click.echo(f"  {kind:<15} {record['name']:<15} {record['summary']}")
        elif show_all:
            click.echo(f"{title}: {one['state']}, {one['reason']}")
            click.echo(f"  {'plugin':<15} {', '.join(one['plugins'])}")
        else:
            left_out += len(one["plugins"])
    if left_out:
        click.echo(f"Left out: {left_out}. Why, says ranch plugins --all")
