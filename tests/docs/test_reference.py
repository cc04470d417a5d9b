"""The reference leaves nothing out."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import attrs
import pytest

import ranch
from ranch import Queue
from ranch.backends.memory import MemoryBackend
from ranch.config import ALIASES, Config
from ranch.hooks import specs
from ranch.hooks.details import BackendDown, BackendUp
from ranch.hooks.manager import Plugins
from ranch.testing import FakeClock

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
HOOKS = [name for name in vars(specs) if name.startswith("ranch_")]
EVENTS = [hook for hook in HOOKS if inspect.signature(getattr(specs, hook)).parameters]


def _page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def _example(hook: str) -> ModuleType:
    """Make a module of the example in a hook's docstring."""
    docstring = inspect.getdoc(getattr(specs, hook))
    _, _, code = docstring.partition(".. code-block:: python\n")
    module = ModuleType(f"example_of_{hook}")
    exec(inspect.cleandoc(code), vars(module))
    return module


@pytest.mark.parametrize("name", ranch.__all__)
def test_each_public_name_has_an_entry(name):
    """What `from ranch import …` gives stands in the API reference."""
    assert re.search(rf"^\.\. (auto\w+|py:\w+):: (ranch\.([\w.]+\.)?)?{name}$", _page("api"), re.MULTILINE)


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_a_heading_and_its_signature(hook):
    """Each hook has a heading of its own, and under it the signature, as autodoc writes it, and what it is given."""
    assert f"## {hook}\n\n```{{eval-rst}}\n.. autofunction:: ranch.hooks.specs.{hook}\n" in _page("hooks")
    signature = inspect.signature(getattr(specs, hook))
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert f".. autoclass:: ranch.hooks.details.{parameter.annotation}\n" in _page("hooks")


def test_no_hook_is_made_up():
    """Each heading in the style of a hook's name is a hook."""
    assert sorted(re.findall(r"^## (ranch_\w+)$", _page("hooks"), re.MULTILINE)) == sorted(HOOKS)


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook not in EVENTS])
def test_the_example_of_a_registration_is_a_plugin(hook):
    """What a hook's docstring shows can be copied, loaded and chosen."""
    plugin = _example(hook)
    (record,) = getattr(plugin, hook)()
    choice = {
        "ranch_strategies": {"strategy": record.name},
        "ranch_weight_functions": {"weight_function": record.name},
        "ranch_backends": {"backend": f"{record.name}://"},
        "ranch_serializers": {"serializer": record.name},
    }[hook]

    with Queue("example", **{"backend": "memory://", **choice}, plugins=Plugins([plugin])) as queue:
        queue.enqueue("acme", "hello")

        assert queue.claim().job.payload == "hello"


@pytest.mark.parametrize("hook", EVENTS)
def test_the_example_of_an_event_is_a_plugin(hook, capsys):
    """What a hook's docstring shows can be copied and loaded, and prints when the event happens."""
    plugins = Plugins([_example(hook)])
    clock = FakeClock()
    with Queue("example", backend=MemoryBackend(clock=clock), plugins=plugins) as queue:
        queue.lane("acme").update(weight=0.5)
        queue.enqueue_many([("acme", 1), ("acme", 2)])
        queue.claim().ack()
        queue.claim().release()
        queue.claim().fail("away")
        queue.purge()
        queue.enqueue("acme", 3, expires=5)
        clock.advance(5)
        assert queue.claim() is None
        queue.enqueue("acme", 4)
        lease = queue.claim()
        queue._operations.ran(lease, 0.5)
        lease.bury("no such task")
    # Told by the backend, which has no trouble here.
    for event in (BackendDown(url="redis://host", error=OSError("x")), BackendUp(url="redis://host", seconds=5)):
        if tell := getattr(plugins.events, {BackendDown: "backend_down", BackendUp: "backend_up"}[type(event)]):
            tell(event)

    assert plugins.events.errors == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize("field", attrs.fields(Config), ids=lambda field: field.name)
def test_each_setting_is_documented_with_its_type_and_default(field):
    """Each key of `app.conf.ranch` has an entry that begins with its type and ends with its default."""
    kind = Config.__annotations__[field.name].replace("'", '"')  # as the source has it
    signature = re.escape(f"`{field.name}: {kind}`")
    entry = re.search(rf"^{signature}\n(: .*\n(  .*\n)*)", _page("settings"), re.MULTILINE)
    default = field.default.factory() if isinstance(field.default, attrs.Factory) else field.default
    shown = f'"{default}"' if isinstance(default, str) else str(default)

    assert entry
    assert "Default: " + ("the app's own broker" if field.name == "backend" else f"`{shown}`") in entry[1]


@pytest.mark.parametrize("alias", ALIASES)
def test_each_alias_is_mentioned(alias):
    """Old names of settings can be found."""
    assert f"`{alias}`" in _page("settings")
