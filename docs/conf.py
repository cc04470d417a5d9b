"""How Sphinx builds the documentation: `make docs`."""

from __future__ import annotations

import os
import re
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any

from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "ranch"
author = "the ranch authors"
version = release = installed_version("ranch-scheduler")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"ranch {version}"
# Nothing is loaded from other sites when a page is read.
html_static_path: list[str] = []

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

# A docstring's `name` is a link if it names something, and code if not: see `_link_or_code`.
default_role = "py:obj"

# Links into the documentation of others need the network, so they are made only where somebody asks for them:
# RANCH_DOCS_INTERSPHINX=1 make docs
if os.environ.get("RANCH_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "attrs": ("https://www.attrs.org/en/stable", None),
        "celery": ("https://docs.celeryq.dev/en/stable", None),
        "pluggy": ("https://pluggy.readthedocs.io/en/stable", None),
        "python": ("https://docs.python.org/3", None),
        "redis": ("https://redis.readthedocs.io/en/stable", None),
    }

# Names that are right and lead nowhere.
nitpick_ignore_regex = [
    # Of other projects: links if intersphinx is on, words if not.
    (r"py:.*", r"(asyncio|collections|contextlib|logging|pathlib|sqlite3|ssl|threading|types|typing)\..*"),
    (r"py:.*", r"(_pytest|celery|hypothesis|kombu|pluggy|prometheus_client|redis)\..*"),
    (r"py:obj", r"Redis|RedisCluster"),
    # What it stands for is said where it is met.
    (r"py:class", r"StoredCallback"),
    # What the tests of a suite are given by pytest.
    (r"py:class", r"ranch\.testing\.backend\.case\.DrivenLanes"),
    # Type variables stand for any type and have no page.
    (r"py:.*", r"(ranch\.(\w+\.)*)?[A-Z]$"),
]

# `Queue`, `Queue.claim`: these must lead somewhere. `weight * cost`, `limit`: these need not.
_NAMES_SOMETHING = re.compile(r"(ranch\.[\w.]+|_?[A-Z]+[a-z]\w*(\.\w+)*)$")


def _link_or_code(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> Any:
    """Find what a docstring names without its module; let other words in backticks be code."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    if not _NAMES_SOMETHING.match(target):
        return content if node["reftype"] == "obj" else None
    found = env.domains.python_domain.find_obj(env, "", "", target, None, 1)
    places = {(entry.docname, entry.node_id) for _, entry in found}
    if len(places) != 1:
        return None
    docname, node_id = places.pop()
    return make_refnode(app.builder, node["refdoc"], docname, node_id, content, target)


def _plain_attribute(  # noqa: PLR0917 - the event's arguments
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Keep napoleon from taking the words before a colon for the attribute's type: it looks at the first line only."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]  # an empty comment


def _no_arguments(  # noqa: PLR0917 - the event's arguments
    app: Sphinx, what: str, name: str, obj: Any, options: Any, arguments: str | None, returns: str | None
) -> tuple[str, None] | None:
    """Show a protocol without the arguments that Python gives it: nobody calls it."""
    return ("", None) if what == "class" and getattr(obj, "_is_protocol", False) else None


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", _no_arguments)
    app.connect("missing-reference", _link_or_code)
    app.connect("autodoc-process-docstring", _plain_attribute, priority=400)
