"""Selections of lanes as scripts know them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ranch.selection import Selection


def write_selections(selections: Sequence[Selection], further: str = "") -> str:
    """Return selections as a claim is given them, empty for none: see ``lib/search.lua``.

    Names are said by their digest; patterns, which are few, as they are.
    """
    if not selections:
        return ""
    # The first has its own virtual time, even if it selects nothing.
    used = [selection for place, selection in enumerate(selections) if selection or not place]
    chosen = [[selection.digest, len(selection.names), *selection.patterns] for selection in used]
    return json.dumps({"of": chosen, **({"further": json.loads(further)} if further else {})}, ensure_ascii=False)
