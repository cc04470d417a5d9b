"""Numbers that scripts go by as the other backends do, or that several scripts share, by their names in Lua."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ranch.backends.redis.records import to_ms
from ranch.backends.rows import SERVED
from ranch.backends.search import FEW
from ranch.backends.traffic import LOOKS, TRIMMED
from ranch.model import Priority
from ranch.schedule import PATIENCE
from ranch.typing import LOOKS_PER_CALL

#: For how long in ms is kept what is known of a selection that nobody uses.
_KEPT_MS: Final = 3_600_000

#: As Lua writes them.
CONSTANTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FEW": f"{FEW}",
        "HEAD_START_MS": f"{{ {', '.join(str(to_ms(priority.head_start)) for priority in Priority)} }}",
        "KEPT_MS": f"{_KEPT_MS}",
        "LOOKS": f"{LOOKS}",
        "LOOKS_PER_CALL": f"{LOOKS_PER_CALL}",
        "PATIENCE_MS": f"{to_ms(PATIENCE)}",
        "SERVED": f"{SERVED}",
        "TRIMMED": f"{TRIMMED}",
    }
)
