"""Runs the examples of the documentation.

Every block of ``python`` in README.md and under docs/ is run, top to bottom, with one namespace and one empty working
directory for each document. A block of ``output`` must be what the block before it has printed, to the letter.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from unittest import SkipTest

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser

# Documents that need a Redis take it from the fixtures of the tests; the others run where there is none.
from tests.conftest import ranch_redis, redis_server, redis_url  # noqa: F401 - pytest finds fixtures by name

_run = PythonEvaluator()


def _run_and_listen(example: Example) -> None:
    printed = io.StringIO()
    with redirect_stdout(printed):
        _run(example)
    example.namespace["_printed"] = printed.getvalue()


def _compare(example: Example) -> None:
    printed = example.namespace.pop("_printed", "").rstrip()
    shown = str(example.parsed).rstrip()
    assert printed == shown, f"{example.path}, line {example.line} shows\n{shown}\nand this was printed:\n{printed}"


_PARSERS = (
    CodeBlockParser(language="python", evaluator=_run_and_listen),
    CodeBlockParser(language="output", evaluator=_compare),
    SkipParser(),
)


def _whole(document: Document) -> Iterator[Region]:
    """Make one test of a document: its examples build on one another, and pytest-xdist would part them."""
    inner = Document.parse(document.path, *_PARSERS)
    if inner.regions:
        yield Region(0, document.end, inner, _run_document)


def _run_document(whole: Example) -> None:
    inner: Document = whole.parsed
    inner.namespace = whole.namespace
    for example in inner:
        try:
            example.evaluate()
        except SkipTest:  # as a comment <!-- skip: next --> has asked
            continue


def _enter_empty_folder(namespace: dict[str, Any]) -> None:
    namespace["__name__"] = "__main__"  # examples are scripts
    namespace["_folder"] = tempfile.TemporaryDirectory(prefix="ranch-docs-", ignore_cleanup_errors=True)
    namespace["_home"] = Path.cwd()
    os.chdir(namespace["_folder"].name)


def _leave_folder(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_home"])
    namespace["_folder"].cleanup()


def _examples(*, patterns: tuple[str, ...], excludes: tuple[str, ...] = (), fixtures: tuple[str, ...] = ()) -> Sybil:
    return Sybil(
        parsers=[_whole],
        patterns=patterns,
        excludes=excludes,
        fixtures=fixtures,
        setup=_enter_empty_folder,
        teardown=_leave_folder,
    )


# The name `redis_url` is there for the examples of these documents.
_NEED_REDIS = ("docs/how-to/check-a-store.md", "docs/how-to/choose-a-store.md", "docs/how-to/redis-in-production.md")
# Are files and commands, and not one script: tests/docs follows them.
_FILES_AND_COMMANDS = (
    "docs/how-to/operating.md",
    "docs/how-to/your-own-backend.md",
    "docs/tutorial/first-celery.md",
    "docs/tutorial/your-own-strategy.md",
)

pytest_collect_file = (
    _examples(
        patterns=("README.md", "docs/*.md", "docs/**/*.md"),
        excludes=(*_NEED_REDIS, *_FILES_AND_COMMANDS, "docs/_build/**"),
    )
    + _examples(patterns=_NEED_REDIS, fixtures=("redis_url",))
).pytest()
