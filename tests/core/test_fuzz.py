"""Whatever a user gives: what was meant, or an error of ranch that says what is wrong, and nothing stored."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import attrs
from hypothesis import given, note, settings
from hypothesis import strategies as st

from ranch import Queue
from ranch.checks import MAX_KEY_LENGTH
from ranch.config import ALIASES, Config
from ranch.exceptions import ConfigError, InvalidJob, RanchError, SerializationError
from ranch.model import NewJob
from ranch.testing.counts import check_counts

_KEYS = [*attrs.fields_dict(Config), *ALIASES, "laese", ""]
_WORDS = [
    *("bid", "lottery", "weighted-lru", "json", "pickle", "msgpack", "none", "memory://", "sqlite:///x.db", "raise"),
    *("broker", "as-task", "pkg.module:name", "tag", "backlog", "name", "ageing", "entry", "front", "\ud800", "\0"),
]
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(_WORDS) | st.text(max_size=8)
_VALUES = st.recursive(
    _SCALARS | st.binary(max_size=4) | st.just(object()) | st.just(print),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_WORDS) | _SCALARS, inner, max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=5,
)


@settings(max_examples=600, deadline=None)
@given(mapping=st.dictionaries(st.sampled_from(_KEYS) | _SCALARS, _VALUES, max_size=4) | _VALUES)
def test_any_configuration_is_read_or_refused(mapping: Any) -> None:
    """A refusal names at least one fault, and can be printed."""
    try:
        config = Config.resolve(mapping, where="app.conf.ranch")
    except ConfigError as exc:
        said = (exc.problems, "app.conf.ranch" in str(exc))
        assert all(said)
    else:
        assert 0 <= config.share <= 1
        assert config.lease > 0


_SCHEMES = ["memory", "sqlite", "redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "rediss+cluster", "http"]
_PARTS = [
    *("host", "host:6379", ":6379", "[::1]:1", "[::1", "a:b@host", "user@", "host,other:1", "host:99999", "host:-1"),
    *("0", "15", "-1", "mail", "/", "//", "///x", "?", "?db=1", "?db=x", "?retries=3", "?retries=many", "?retries=-1"),
    *("?socket_timeout=nan", "?socket_timeout=x", "?a=b&a=c", "?ssl_cert_reqs=odd", "#f", "%00", "%zz", "ü", "\0", " "),
    *("?prefix=", "?decode_responses=true", "?max_connections=0", "?health_check_interval=x", "?protocol=9", "x.db"),
]
_URLS = st.builds(
    lambda scheme, colon, parts: f"{scheme}{colon}{''.join(parts)}",
    st.sampled_from(_SCHEMES) | st.text(max_size=5),
    st.sampled_from(["://", "://", "://", ":", ":///", ""]),
    st.lists(st.sampled_from(_PARTS) | st.text(max_size=3), max_size=4),
)


@settings(max_examples=500, deadline=None)
@given(url=_URLS | _VALUES)
def test_any_store_is_opened_or_refused(url: Any) -> None:
    """A URL is taken apart without a round trip."""
    try:
        queue = Queue("mail", backend=url)
    except RanchError as exc:
        note(str(exc))
    else:
        queue.close()


@settings(max_examples=300, deadline=None)
@given(key=st.text(max_size=MAX_KEY_LENGTH + 9) | _VALUES, data=st.data())
def test_any_name_of_a_lane_is_kept_or_refused(key: Any, data: st.DataObject) -> None:
    """To the letter, or not at all."""
    with closing(Queue("mail", backend="memory://")) as queue:
        try:
            queue.enqueue(key, 1)
            queue.lane(key).update(weight=2.0, tags={key: key}, data={key: key})
            queue.lane(key).limit(max_pending=5)
        except InvalidJob:
            assert queue.lanes() == []
        else:
            (lane,) = queue.lanes(tag=(key, key))
            assert (lane.key, lane.tags, lane.data) == (key, {key: key}, {key: key})
            assert queue.explain(lane=key).lane == queue.claim().job.lane == key


_OPTIONS = {name: _VALUES for name in attrs.fields_dict(NewJob) if name not in {"lane", "body", "content_type"}}


@settings(max_examples=400, deadline=None)
@given(payload=_VALUES, options=st.fixed_dictionaries({}, optional=_OPTIONS))
def test_any_job_is_stored_whole_or_refused(payload: Any, options: dict[str, Any]) -> None:
    """What was refused has left nothing, and what was stored can be read."""
    with closing(Queue("mail", backend="memory://")) as queue:
        try:
            job = queue.enqueue("acme", payload, **options)
        except (InvalidJob, SerializationError) as exc:
            note(str(exc))
            assert queue.stats().enqueued == 0
        else:
            (stored,) = queue.jobs()
            assert stored.job == job
            assert queue.explain(job.id).state == stored.state
            check_counts(queue.stats(), queue.lanes())
