"""How jobs have ended, in tables."""

from __future__ import annotations

import json
from typing import Final

from attrs import asdict

from ranch.answers import Outcome
from ranch.backends.job_rows import JobRow
from ranch.backends.lookups import Lookups, reading
from ranch.backends.outcome_rows import OutcomeRow
from ranch.backends.rows import Tables
from ranch.letters import Death

#: How many outcomes whose time is over go when there is nothing else to do.
SHED_IDLE: Final = 100
#: How many go for each that is kept, so that they become fewer.
_SHED: Final = 2


def keep(tables: Tables, job: JobRow, outcome: Outcome) -> None:
    """Keep how a job has ended, if that is asked for."""
    if job.result_ttl is None:
        return
    body = outcome.body if outcome.death is None else json.dumps(asdict(outcome.death)).encode()
    until = round(tables.queue.now + job.result_ttl, 3)
    tables.shed_outcomes(_SHED)
    tables.add_outcome(OutcomeRow(job.id, until, outcome.how, outcome.content_type, body))


class Outcomes(Lookups):
    """How the jobs of one queue have ended, through its tables."""

    @reading
    def outcome(self, tables: Tables, job_id: str) -> Outcome | None:
        row = tables.outcome(job_id)
        if row and row.until > tables.queue.now:
            if row.how == "dead":
                return Outcome(how="dead", death=Death(**json.loads(row.body)))
            return Outcome(how=row.how, content_type=row.content_type, body=row.body)  # type: ignore[arg-type]  # as it was kept
        if letter := tables.letter(job_id):
            return Outcome(how="dead", death=letter.death)
        job = tables.job(job_id)
        return Outcome(how="open", kept=job.result_ttl is not None) if job else None
