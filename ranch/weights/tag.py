"""By tag: a weight for each value of a tag."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import field, frozen

from ranch.metadata import LaneMetadata
from ranch.weights.clamps import positive, positive_or_none


def _positive(instance: object, attribute: attrs.Attribute[Any], value: dict[str, float]) -> None:
    for weight in value.values():
        positive(instance, attribute, weight)


@frozen
class ByTag:
    """Weigh a lane by a table: ``weight = weights[the lane's tag]``.

    A lane without the tag, or whose value is not in the table, weighs `default`; without a default, as it was set.
    Not a product: what was set on a lane of the table does not count.
    """

    #: The tag's name.
    tag: str
    #: The weight for each value of the tag, > 0.
    weights: dict[str, float] = field(validator=_positive)
    #: For all other lanes; None for the weight that was set.
    default: float | None = field(default=None, validator=positive_or_none)

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        otherwise = metadata.weight if self.default is None else self.default
        return self.weights.get(metadata.tags.get(self.tag, ""), otherwise)
