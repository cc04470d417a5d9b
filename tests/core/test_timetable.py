"""When schedules are due, beside a slow account of it, and around the nights when clocks are changed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ranch import Queue
from ranch.exceptions import InvalidJob
from ranch.timetable import Timetable

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
#: Days around which clocks are changed somewhere, and ordinary ones.
DAYS = st.sampled_from(
    ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2028-02-28"]
)


def column(least: int, most: int) -> st.SearchStrategy[str]:
    """Draw a column."""
    number = st.integers(least, most)
    # One number with a step would be another thing: from there to the end.
    ends = st.tuples(number, number).filter(lambda pair: pair[0] != pair[1])
    span = ends.map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.tuples(st.just("*") | span, st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.lists(number.map(str) | span | step, min_size=1, max_size=2).map(",".join) | st.just("*")


LINES = st.tuples(column(0, 59), column(0, 4), column(1, 31), st.just("*"), column(0, 7)).map(" ".join)


@cache
def values(text: str, least: int, most: int) -> frozenset[int]:
    """Read one column."""
    found: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        first, _, last = (f"{least}-{most}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return frozenset(found)


def matches(line: str, at: datetime) -> bool:
    """Whether the clocks show a time of a line."""
    minute, hour, day, month, weekday = line.split()
    by_day = at.day in values(day, 1, 31)
    by_weekday = {at.isoweekday(), at.isoweekday() % 7} & values(weekday, 0, 7)
    either = not (day.startswith("*") or weekday.startswith("*"))
    is_day = (by_day or by_weekday) if either else (by_day and by_weekday)
    return (
        bool(is_day)
        and at.minute in values(minute, 0, 59)
        and at.hour in values(hour, 0, 23)
        and at.month in values(month, 1, 12)
    )


def slowly(line: str, zone: ZoneInfo, start: datetime, days: int) -> set[float]:
    """Go through every minute, and return the times of a line."""
    minutes = [start + timedelta(minutes=n) for n in range(days * 24 * 60)]
    if line.startswith("*") or line.split()[1].startswith("*"):
        # As the clocks go.
        shown = (at.replace(tzinfo=timezone.utc) for at in minutes)
        return {at.timestamp() for at in shown if matches(line, at.astimezone(zone))}
    found = set()
    for at in minutes:
        if matches(line, at):
            here = at.replace(tzinfo=zone)
            while here.astimezone(timezone.utc).astimezone(zone).replace(tzinfo=None) != here.replace(tzinfo=None):
                here += timedelta(minutes=1)  # the clocks leave it out
            found.add(here.timestamp())
    return found


@settings(deadline=None, max_examples=80)
@given(line=LINES, name=st.sampled_from(ZONES), day=DAYS, after=st.integers(0, 24 * 60 * 60))
def test_the_next_times_are_those_of_a_slow_account(line: str, name: str, day: str, after: int) -> None:
    """Each time that a line names, none twice and none before the last, from whichever moment on one asks."""
    zone, start = ZoneInfo(name), datetime.fromisoformat(day) - timedelta(days=1)
    since = start.replace(tzinfo=timezone.utc).timestamp() + 24 * 60 * 60 + after
    until = since + 24 * 60 * 60
    expected = sorted(at for at in slowly(line, zone, start, 4) if since < at <= until)
    timetable = Timetable(cron=line, timezone=name)
    try:
        found = list(islice(timetable.after(since), len(expected) + 1))
    except InvalidJob:
        found = []

    assert found[: len(expected)] == expected
    assert all(at > until for at in found[len(expected) :])
    if expected:
        assert timetable.last(expected[0], until) == expected[-1]
        assert timetable.last(expected[0], expected[0]) == expected[0]


@settings(deadline=None)
@given(every=st.floats(1, 1000), start=st.integers(0, 10**6), after=st.integers(0, 10**6))
def test_an_interval_keeps_its_beat(every: float, start: int, after: int) -> None:
    """Runs stand on one grid from the start on, however often one asks, in whole milliseconds."""
    timetable = Timetable(every=every, start=float(start))
    step = round(every * 1000)

    first, second = islice(timetable.after(float(after)), 2)

    assert first > after
    assert first - after <= step / 1000 + 1e-6
    assert (round(first * 1000) - start * 1000) % step == 0
    assert next(timetable.after(first)) == second
    assert timetable.last(first, second) == second


def times(line: str, start: str, count: int) -> list[str]:
    """Return when a line is due in Berlin, as clocks there show it."""
    zone = ZoneInfo("Europe/Berlin")
    since = datetime.fromisoformat(start).replace(tzinfo=zone).timestamp()
    found = islice(Timetable(cron=line, timezone="Europe/Berlin").after(since), count)
    return [datetime.fromtimestamp(at, zone).strftime("%d %H:%M%z") for at in found]


def test_a_time_that_the_clocks_leave_out_is_due_when_they_go_on() -> None:
    """At 02:00 of 29 March clocks are put forward to 03:00: what was due between runs then, once."""
    assert times("30 2 * * *", "2026-03-28T12:00", 2) == ["29 03:00+0200", "30 02:30+0200"]
    assert times("10,50 2 * * *", "2026-03-28T12:00", 2) == ["29 03:00+0200", "30 02:10+0200"]
    assert times("*/30 2 * * *", "2026-03-28T12:00", 1) == ["30 02:00+0200"]


def test_a_time_that_the_clocks_show_twice_is_due_once() -> None:
    """At 03:00 of 25 October clocks are put back to 02:00; only what goes by the clocks, with a star, runs again."""
    assert times("30 2 * * *", "2026-10-24T12:00", 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert times("0 * * * *", "2026-10-25T01:30", 3) == ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]


def test_asked_in_the_repeated_hour_it_does_not_go_back() -> None:
    """At 02:10, the second time, 02:30 of this day is over."""
    second = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    (at,) = islice(Timetable(cron="30 2 * * *", timezone="Europe/Berlin").after(second), 1)

    assert datetime.fromtimestamp(at, timezone.utc) == datetime(2026, 10, 26, 1, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("line", "name", "number"),
    [
        ("61 * * * *", "minute", 1),
        ("0 24 * * *", "hour", 2),
        ("0 0 32 * *", "day-of-month", 3),
        ("0 0 * FOO *", "month", 4),
        ("0 0 * * 1#6", "day-of-week", 5),
    ],
)
def test_a_fault_names_its_column(line: str, name: str, number: int) -> None:
    """With what stands there."""
    wrong = line.split()[number - 1]
    with pytest.raises(InvalidJob) as caught:
        Timetable(cron=line)

    assert str(caught.value) == f"cron line {line!r}: column {number}, the {name}, cannot be {wrong!r}"


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd", "Europe", 5])
def test_a_zone_that_is_none_is_refused(zone: object) -> None:
    """By its name."""
    with pytest.raises(InvalidJob, match="time zone"):
        Timetable(cron="0 0 * * *", timezone=zone)  # type: ignore[arg-type]


def test_it_says_what_it_is() -> None:
    """In a few words."""
    assert str(Timetable(cron="0 9 * * 1", timezone="Asia/Tokyo")) == "0 9 * * 1 (Asia/Tokyo)"
    assert str(Timetable(every=90)) == "every 90 s"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cron": "0 25 * * *"}, "column 2, the hour, cannot be '25'"),
        ({"cron": "0 9 * *"}, "has 4 columns"),
        ({"cron": "0 0 30 2 *"}, "column 3, the day-of-month, cannot be '30'"),
        ({"cron": "0 0 */31 2 1#5"}, "no day of the next 50 years"),
        ({"cron": 9}, "a cron line is a str"),
        ({"cron": "0 9 * * *", "timezone": "Europe/Atlantis"}, "no time zone 'Europe/Atlantis'"),
        ({"cron": "0 9 * * *", "every": 5}, "give one of them"),
        ({}, "give one of them"),
        ({"every": 0.5}, "at least 1 second, not 0.5"),
        ({"every": 5, "missed": "never"}, "missed is 'skip', 'one' or 'all', not 'never'"),
        ({"every": 5, "grace": -1}, "grace must be a finite number >= 0, not -1"),
        ({"every": 5, "priority": 9}, "priority"),
        ({"every": 5, "name": ""}, "a schedule needs a name"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], words: str) -> None:
    """Before anything is stored, with what is wrong."""
    queue = Queue("mail", backend="memory://")
    with pytest.raises(InvalidJob, match=words.replace("*", r"\*")):
        queue.schedule(**{"name": "s", "lane": "acme", "payload": 1, **wrong})  # type: ignore[arg-type]

    assert list(queue.schedules.list()) == []
