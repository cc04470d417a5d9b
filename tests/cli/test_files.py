from __future__ import annotations

import threading
from pathlib import Path
from queue import Empty

from kombu import Connection, Queue

from ranch.cli.demo.files import Transport


def connection(folder: Path) -> Connection:
    """Connect to the broker in a folder."""
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder / "control")}
    options |= {"store_processed": True, "processed_folder": str(folder.parent)}
    return Connection("filesystem://", transport=Transport, transport_options=options)


def test_messages_are_read_whole_and_in_order(tmp_path: Path) -> None:
    """A reader that looks all the time while messages are sent gets each of them, in the order of sending."""
    folder = tmp_path / "messages"
    folder.mkdir()
    count, got = 500, []

    def send() -> None:
        with connection(folder) as sender:
            queue = Queue("jobs", channel=sender.default_channel)
            queue.declare()
            for number in range(count):
                sender.default_channel._put("jobs", {"number": number})

    thread = threading.Thread(target=send)
    with connection(folder) as reader:
        thread.start()
        while len(got) < count and (thread.is_alive() or any(folder.glob("*.msg"))):
            try:
                got.append(reader.default_channel._get("jobs")["number"])
            except Empty:
                continue
    thread.join()

    assert got == list(range(count))
