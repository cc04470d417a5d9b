"""Apps as they are written for celery-ranch: only what they import comes from ranch."""

from __future__ import annotations

import json
import os

#: In the place of redis://localhost:6379/0. A worker and its clients are given the same.
BROKER: str = json.loads(os.environ.get("RANCH_TEST_APP", "{}")).get("broker_url", "redis://localhost:6379/0")
