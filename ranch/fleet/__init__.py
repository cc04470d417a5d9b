"""A fleet of workers, written down in one place: which store, which queues, and who serves which lanes."""

from __future__ import annotations

from ranch.fleet.coverage import Coverage
from ranch.fleet.files import read_fleet
from ranch.fleet.fleet import Fleet
from ranch.fleet.identity import Identity, IdentityTaken
from ranch.fleet.members import FleetQueue, FleetWorker

__all__ = ["Coverage", "Fleet", "FleetQueue", "FleetWorker", "Identity", "IdentityTaken", "read_fleet"]
