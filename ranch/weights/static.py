"""Static: the weight that was set."""

from __future__ import annotations

from attrs import frozen

from ranch.metadata import LaneMetadata


@frozen
class Static:
    """Weigh each lane as it was set: ``weight = metadata.weight``.

    The same as no weight function, but that it takes back what another one has left on the lanes.
    """

    def __call__(self, lane_key: str, metadata: LaneMetadata) -> float:
        return metadata.weight
