"""What the template for plugins makes is a plugin."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("cookiecutter", reason="the template is rendered by cookiecutter, of the extra test")

TEMPLATE = Path(__file__).parents[2] / "examples" / "plugin-template"


def test_what_the_template_makes_is_a_plugin_that_passes_its_tests(environment, tmp_path):
    """Rendered, built, installed: its own tests pass, and its strategy can be chosen by name."""
    from cookiecutter.main import cookiecutter

    project = Path(
        cookiecutter(str(TEMPLATE), no_input=True, output_dir=str(tmp_path), extra_context={"strategy": "by-turns"})
    )
    assert project.name == "ranch-by-turns"
    environment.install(project)

    printed = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=project)

    assert re.search(r"^(10 passed, 3|8 passed, 5) skipped", printed, re.MULTILINE), printed
    printed = environment.run("-c", "from ranch.cli import main; main()", "plugins", "--json", cwd=tmp_path)
    (shown,) = [one for one in json.loads(printed) if one["distribution"] == "ranch-by-turns"]
    assert shown["gives"]["strategy"] == [{"name": "by-turns", "summary": "Every backlogged lane in turn."}]
