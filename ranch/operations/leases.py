"""Jobs in somebody's hands, and how they leave them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from ranch.answers import Outcome, Return
from ranch.checks import checked_key, checked_number
from ranch.exceptions import DecodeError, InvalidJob
from ranch.hooks.details import Dead, Failed, Finished, Released, Retried
from ranch.letters import CANNOT_DECODE, Death, Kind
from ranch.model import Job, Lease
from ranch.operations.core import Core, chunks, raise_if_lost, without
from ranch.retry import Retry, checked_retry
from ranch.steps import Steps
from ranch.typing import RELEASES_PER_CALL

log = logging.getLogger("ranch")

_DONE: Final = Outcome(how="done")


class LeaseOperations(Core):
    """Ack, release, fail, bury, renew."""

    __slots__ = ()

    def ack(self, leases: Iterable[Lease], results: Mapping[str, Any] | None = None) -> Steps[None]:
        leases = list(leases)
        wanted = [lease for lease in leases if lease.job.result_ttl is not None]
        outcomes = {lease.token: self._outcome(lease.job, (results or {}).get(lease.job.id)) for lease in wanted}
        lost = yield from self.lanes.ack(leases, outcomes)
        settled = without(leases, lost)
        if self.weigher and self.weigher.times:
            self.weigher.times.end(settled)
        if self.events.finished and settled:
            self.events.finished(Finished(queue=self.name, leases=settled))
        raise_if_lost(lost)

    def _outcome(self, job: Job, result: Any) -> Outcome:
        if result is None:
            return _DONE
        try:
            body, content_type = self.codec.dumps_like(result, job.content_type)
        except Exception as exc:  # noqa: BLE001 - a plugin's may raise anything
            # The job was done, so it is not tried again.
            log.warning("job %s of lane %r is done, but its result cannot be kept: %s", job.id, job.lane, exc)
            return Outcome(how="unwritten", body=str(exc).encode(errors="replace"))
        return Outcome(how="done", body=body, content_type=content_type)

    def release(self, leases: Iterable[Lease], delay: float) -> Steps[None]:
        leases, delay = list(leases), checked_number(delay, "delay")
        lost: list[Lease] = []
        for page in chunks(leases, RELEASES_PER_CALL):
            back: Return = yield from self.lanes.release(page, delay)
            lost += back.lost
            if self.events.released and (again := _returned(page, back)):
                self.events.released(Released(queue=self.name, leases=again, delay=delay))
            self.tell_ended(back.ended)
        raise_if_lost(lost)

    def fail(self, leases: Iterable[Lease], error: BaseException | str, retry: Retry | None) -> Steps[None]:
        leases, retry = list(leases), checked_retry(retry) or self.retry
        death = _death_of(error)
        elapsed: dict[str, float] = {}
        if retry.timeout is not None:
            elapsed = yield from self._elapsed(leases)
        hopeless: list[Lease] = []
        unreadable: list[Lease] = []
        again: defaultdict[float, list[Lease]] = defaultdict(list)
        for lease in leases:
            if isinstance(error, DecodeError) and error.job_id == lease.job.id:
                unreadable.append(lease)
                continue
            delay = retry.delay(lease.job.failures + 1, elapsed.get(lease.token, 0.0))
            (hopeless if delay is None else again[delay]).append(lease)
        lost: list[Lease] = []
        for delay, group in again.items():
            for page in chunks(group, RELEASES_PER_CALL):
                lost += yield from self._retry(page, delay, death)
        lost += yield from self._bury(hopeless, death)
        lost += yield from self._bury(unreadable, Death.of(error, kind="system", reason=CANNOT_DECODE))
        raise_if_lost(lost)

    def bury(self, leases: Iterable[Lease], reason: str, error: BaseException | str, kind: Kind) -> Steps[None]:
        if kind not in {"failure", "system"}:
            raise InvalidJob(f"kind is 'failure' or 'system', not {kind!r}")
        death = Death.of(error, kind=kind, reason=checked_key(reason, "reason"))
        raise_if_lost((yield from self._bury(list(leases), death)))

    def renew(
        self, leases: Iterable[Lease], seconds: float | None = None, *, final: bool = False
    ) -> Steps[list[Lease]]:
        if seconds is not None:
            checked_number(seconds, "seconds", positive=True)
        renewed, lost = yield from self._renew(leases, seconds, final=final)
        raise_if_lost(lost)
        return renewed

    def _renew(
        self, leases: Iterable[Lease], seconds: float | None = None, *, final: bool = False
    ) -> Steps[tuple[list[Lease], list[Lease]]]:
        together: defaultdict[float, list[Lease]] = defaultdict(list)
        for lease in leases:
            together[seconds or self.lasting(lease)].append(lease)
        renewed: list[Lease] = []
        lost: list[Lease] = []
        for lasts, group in together.items():
            kept, gone = yield from self.lanes.renew(group, lasts, final=final)
            renewed += [evolve(lease, seconds=lasts) for lease in kept]
            lost += gone
        return renewed, lost

    def _elapsed(self, leases: Sequence[Lease]) -> Steps[dict[str, float]]:
        """Tell how long ago jobs were enqueued, by the backend's clock: a lease renewed now shows what it says."""
        renewed, _ = yield from self._renew(leases)
        return {lease.token: lease.deadline - self.lasting(lease) - lease.job.enqueued_at for lease in renewed}

    def _retry(self, leases: Sequence[Lease], delay: float, death: Death) -> Steps[Sequence[Lease]]:
        back: Return = yield from self.lanes.release(leases, delay, failed=True)
        self._tell_failed(without(leases, back.lost), death)
        if self.events.retried and (again := _returned(leases, back)):
            self.events.retried(Retried(queue=self.name, leases=again, delay=delay, error=death.error))
        self.tell_ended(back.ended)
        return back.lost

    def _bury(self, leases: Sequence[Lease], death: Death) -> Steps[list[Lease]]:
        lost: list[Lease] = []
        for page in chunks(leases, RELEASES_PER_CALL):
            gone = yield from self.lanes.bury(page, death)
            lost += gone
            buried = without(page, gone)
            self._tell_failed(buried, death)
            if self.events.dead and buried:
                self.events.dead(Dead(queue=self.name, jobs=[lease.job for lease in buried], death=death))
        return lost

    def _tell_failed(self, leases: Sequence[Lease], death: Death) -> None:
        if self.events.failed and leases:
            self.events.failed(
                Failed(queue=self.name, leases=leases, error=death.error, traceback=death.traceback),
            )


def _death_of(error: BaseException | str) -> Death:
    if not isinstance(error, (BaseException, str)):
        raise InvalidJob(f"an error is an exception or a text, not {error!r}")
    return Death.of(error)


def _returned(leases: Iterable[Lease], back: Return) -> list[Lease]:
    """Return the leases whose jobs are in their lanes again, or will be."""
    ended = {ending.job.id for ending in back.ended}
    return [lease for lease in without(leases, back.lost) if lease.job.id not in ended]
