from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from celery import Celery, chain, chord, group, signals
from kombu import Exchange, Message
from kombu import Queue as KombuQueue

from ranch import ConfigError, InvalidJob, SerializerType
from ranch.celery import LANE_HEADER, Ranch
from ranch.celery.message import ClaimedMessage, unpack


def claim(app: Celery, queue: str = "celery") -> ClaimedMessage:
    """Take the next job of a queue, as a worker would see it."""
    lease = Ranch(app).queue(queue).claim()
    assert lease, "nothing was stored"
    lease.ack()
    return unpack(lease.job.payload, queue=queue, tag="tag", redelivered=False, accept=None)


def lanes(app: Celery, queue: str = "celery") -> list[str]:
    """The lanes of all jobs, in the order of their claims."""
    found = []
    while lease := Ranch(app).queue(queue).claim():
        lease.ack()
        assert lease.job.payload["headers"][LANE_HEADER] == lease.job.lane
        found.append(lease.job.lane)
    return found


def sent(app: Celery, queue: str = "celery") -> Message | None:
    """What the broker was sent."""
    with app.connection_for_read() as connection, connection.channel() as channel:
        channel.queue_declare(queue)
        message: Message | None = channel.basic_get(queue, no_ack=True)
        return message


def test_no_lane_is_plain_celery(memory_app: Celery) -> None:
    """What names no lane goes to the broker, and no header is added."""
    memory_app.tasks["add"].delay(1, 2)
    message = sent(memory_app)
    assert message
    assert LANE_HEADER not in message.headers
    assert Ranch(memory_app).queue().stats().pending == 0


WAYS: dict[str, Any] = {
    "option": lambda app: app.tasks["add"].apply_async((1, 2), lane="acme"),
    "set": lambda app: app.tasks["add"].s(1, 2).set(lane="acme").delay(),
    "signature": lambda app: app.signature("add", (1, 2), options={"lane": "acme"}).apply_async(),
    "send_task": lambda app: app.send_task("add", (1, 2), lane="acme"),
    "header": lambda app: app.tasks["add"].apply_async((1, 2), headers={LANE_HEADER: "acme"}),
    "header of send_task": lambda app: app.send_task("add", (1, 2), headers={LANE_HEADER: "acme"}),
    "lru_delay": lambda app: app.tasks["add"].lru_delay("acme", 1, 2),
    "unknown task": lambda app: app.send_task("elsewhere.add", (1, 2), lane="acme"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_lane_is_named(memory_app: Celery, way: str) -> None:
    """Each way stores the job in its lane, with the lane in its headers, and sends nothing."""
    result = WAYS[way](memory_app)
    message = claim(memory_app)
    assert message.headers[LANE_HEADER] == "acme"
    assert message.headers["id"] == message.properties["correlation_id"] == result.id
    assert sent(memory_app) is None


def test_a_serializer_is_named_by_its_type(memory_app: Celery) -> None:
    """Where Celery takes the name of a serializer, it takes ranch's word for it as well."""
    memory_app.tasks["add"].apply_async((1, 2), lane="acme", serializer=SerializerType.PICKLE)
    message = claim(memory_app)

    assert (message.content_type, message.content_encoding) == ("application/x-python-serialize", "binary")


def test_canvas_names_lanes(memory_app: Celery) -> None:
    """A group and a chord put their tasks into their lanes, each as it was said."""
    add = memory_app.tasks["add"]
    group(add.s(i, i).set(lane=f"lane-{i}") for i in range(3)).apply_async()
    assert lanes(memory_app) == ["lane-0", "lane-1", "lane-2"]
    group([add.s(1, 1), add.s(2, 2)], app=memory_app).apply_async(lane="all")
    assert lanes(memory_app) == ["all", "all"]
    chord([add.s(1, 1).set(lane="header")], add.s(1).set(lane="body"), app=memory_app).apply_async()
    assert lanes(memory_app) == ["header"]
    chain(add.s(1, 1).set(lane="first"), add.s(2).set(lane="second")).apply_async()
    assert lanes(memory_app) == ["first"]


ETA = datetime.now(timezone.utc) + timedelta(days=1)
OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "compression": {"compression": "zlib"},
    "pickle": {"serializer": "pickle"},
    "yaml": {"serializer": "yaml"},
    "priority": {"priority": 3},
    "expires": {"expires": ETA},
    "headers": {"headers": {"traceparent": "00-1-2-3", "nested": {"a": [1, None, "é"]}}},
    "limits": {"time_limit": 3, "soft_time_limit": 2, "ignore_result": True, "shadow": "other"},
    "reply": {"reply_to": "me", "user_id": "guest", "delivery_mode": 1},
    "link": {"link": "add", "link_error": "fail"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_the_message_is_what_celery_would_have_sent(memory_app: Celery, options: dict[str, Any]) -> None:
    """Header for header, property for property and byte for byte, but for the lane."""
    add = memory_app.tasks["add"]
    options = {**options, **{name: add.si(5, 6) for name in ("link", "link_error") if name in options}}
    if "link" in options:
        options["link"].set(task_id="linked")
        options["link_error"].set(task_id="linked-error")
    for lane in ({}, {"lane": "acme"}):
        add.apply_async(("ü\u2028",), {"right": {"deep": [1.5, None]}}, task_id="the-id", **options, **lane)
    plain, laned = sent(memory_app), claim(memory_app)
    assert plain
    # What a transport adds on its own account.
    for name in ("body_encoding", "delivery_info", "delivery_tag"):
        plain.properties.pop(name, None)
        laned.properties.pop(name, None)
    # Expirations are counted from the moment of sending.
    if "expiration" in plain.properties:
        assert abs(int(plain.properties.pop("expiration")) - int(laned.properties.pop("expiration"))) < 10_000
    assert laned.headers.pop(LANE_HEADER) == "acme"
    assert laned.headers == plain.headers
    assert laned.properties == plain.properties
    assert laned.body == plain.body
    assert (laned.content_type, laned.content_encoding) == (plain.content_type, plain.content_encoding)
    wanted = {"exchange": "", "routing_key": "celery"}
    assert wanted.items() <= plain.delivery_info.items()
    assert wanted.items() <= laned.delivery_info.items()


def test_signals_of_publishing_are_sent(memory_app: Celery) -> None:
    """Who adds headers in a signal, as tracing does, adds them to laned messages too."""
    seen = []

    def before(headers: dict[str, Any], **kwargs: Any) -> None:
        headers["traceparent"] = "00-1"

    def after(headers: dict[str, Any], **kwargs: Any) -> None:
        seen.append(headers["id"])

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after)
    try:
        result = memory_app.tasks["add"].apply_async((1, 2), lane="acme")
    finally:
        signals.before_task_publish.disconnect(before)
        signals.after_task_publish.disconnect(after)
    assert claim(memory_app).headers["traceparent"] == "00-1"
    assert seen == [result.id]


def test_the_event_of_sending_is_sent(memory_app: Celery) -> None:
    """Monitors see laned tasks being sent."""
    memory_app.conf.task_send_sent_event = True
    with memory_app.connection_for_read() as connection:
        got: list[dict[str, Any]] = []
        receiver = memory_app.events.Receiver(connection, handlers={"task-sent": got.append})
        with receiver.consumer_context():
            result = memory_app.tasks["add"].apply_async((1, 2), lane="acme")
            for _ in receiver.consume(limit=1, timeout=5):
                pass
    assert [event["uuid"] for event in got] == [result.id]
    assert claim(memory_app).headers["id"] == result.id


@pytest.mark.parametrize("when", [{"countdown": 3600}, {"eta": datetime.now(timezone.utc) + timedelta(hours=1)}])
def test_a_later_job_is_delayed_in_the_store(memory_app: Celery, when: dict[str, Any]) -> None:
    """It is not held by a worker, and keeps its header."""
    memory_app.tasks["add"].apply_async((1, 2), lane="acme", **when)
    stats = Ranch(memory_app).queue().stats()
    assert (stats.pending, stats.delayed) == (0, 1)


def test_an_eta_of_the_past_is_no_delay(memory_app: Celery) -> None:
    """It is ready at once."""
    past = datetime.now(timezone.utc) - timedelta(hours=1)
    memory_app.tasks["add"].apply_async((1, 2), lane="acme", eta=past)
    assert claim(memory_app).headers["eta"] == past.isoformat()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_an_eta_without_a_zone_is_utc(memory_app: Celery, zone: str) -> None:
    """As Celery's worker reads it, whatever the app's time zone."""
    memory_app.conf.timezone = zone
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    memory_app.tasks["add"].apply_async((1, 2), lane="late", eta=now + timedelta(minutes=1))
    memory_app.tasks["add"].apply_async((1, 2), lane="past", eta=now - timedelta(minutes=1))
    stats = Ranch(memory_app).queue().stats()
    assert (stats.pending, stats.delayed) == (1, 1)
    assert lanes(memory_app) == ["past"]


def test_the_queue_is_the_one_of_routing(memory_app: Celery) -> None:
    """By the task's route, by option, and by the app's default."""
    memory_app.conf.task_routes = {"add": {"queue": "sums"}}
    add = memory_app.tasks["add"]
    add.apply_async((1, 2), lane="routed")
    add.apply_async((1, 2), lane="chosen", queue="other")
    memory_app.tasks["run"].apply_async(lane="default")
    assert lanes(memory_app, "sums") == ["routed"]
    assert lanes(memory_app, "other") == ["chosen"]
    assert lanes(memory_app) == ["default"]


@pytest.mark.parametrize("lane", ["", 7, "x" * 257, b"acme", "\ud800"])
def test_a_bad_lane_is_refused(memory_app: Celery, lane: Any) -> None:
    """Nothing is stored, nothing is sent."""
    with pytest.raises(InvalidJob):
        memory_app.tasks["add"].apply_async((1, 2), lane=lane)
    assert Ranch(memory_app).queue().stats().lanes == 0
    assert sent(memory_app) is None


def test_an_exchange_leads_to_the_queue_bound_to_it(memory_app: Celery) -> None:
    """Where the app's own queues tell."""
    memory_app.conf.task_queues = [KombuQueue("mails", Exchange("post"), routing_key="mail"), KombuQueue("celery")]
    memory_app.tasks["add"].apply_async((1, 2), lane="acme", exchange="post", routing_key="mail")
    assert lanes(memory_app, "mails") == ["acme"]


def test_an_exchange_without_a_queue_is_refused(memory_app: Celery) -> None:
    """Only the broker knows where it leads."""
    with pytest.raises(InvalidJob, match="needs a queue"):
        memory_app.tasks["add"].apply_async((1, 2), lane="acme", exchange=Exchange("x"), routing_key="y")


def test_the_old_protocol_is_refused(memory_app: Celery) -> None:
    """Its messages have no headers to name a lane in."""
    memory_app.conf.task_protocol = 1
    with pytest.raises(ConfigError, match="protocol 2"):
        memory_app.tasks["add"].apply_async((1, 2), lane="acme")


def test_eager_tasks_run_at_once(memory_app: Celery) -> None:
    """As an app under test wants it: no store is touched."""
    memory_app.conf.task_always_eager = True
    assert memory_app.tasks["add"].lru_delay("acme", 1, 2, priority_weight=0.5).get() == 3
    assert memory_app.tasks["add"].apply_async((1, 2), lane="acme").get() == 3
    assert Ranch(memory_app).queue().stats().lanes == 0
