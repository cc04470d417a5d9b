"""How a strategy finds its Lua twin: the file of the same name beside its module."""

from __future__ import annotations

from importlib.resources import files


def twin_of(module: str) -> str:
    """Return the source of the ``.lua`` file that lies beside a module, by the module's dotted name."""
    package, _, name = module.rpartition(".")
    return files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8")
