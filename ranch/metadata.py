"""What a weight function is shown of a lane."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from ranch.model import JSONValue, Lane


@frozen(kw_only=True)
class LaneMetadata:
    """What a weight function is shown of a lane, as it was read a moment ago."""

    #: As it was set; never what the function made of it before, so that no function feeds on its own answers.
    weight: float = 1.0
    tags: Mapping[str, str] = field(factory=dict)
    #: Custom data: JSON values by name.
    data: Mapping[str, JSONValue] = field(factory=dict)
    #: Jobs ready to be claimed.
    pending: int = 0
    #: Jobs waiting for their time.
    delayed: int = 0
    #: Jobs claimed and not settled.
    leased: int = 0
    #: As `Lane.mean_time`; None until a job was measured.
    mean_time: float | None = None

    @property
    def custom_data(self) -> Mapping[str, JSONValue]:
        """Another name for `data`."""
        return self.data

    @classmethod
    def of(cls, lane: Lane) -> LaneMetadata:
        """Return what is shown of a lane."""
        now = lane.stats
        numbers = {"pending": now.pending, "delayed": now.delayed, "leased": now.leased}
        return cls(weight=lane.weight, tags=lane.tags, data=lane.data, mean_time=lane.mean_time, **numbers)
