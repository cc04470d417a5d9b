"""Waking those who wait: one connection for each process listens for all of them."""

import selectors
import socket
import threading
from collections import defaultdict
from contextlib import contextmanager

import psycopg
from psycopg import sql

from ranch_postgres.texts import unescaped


class Listener:
    """Calls those who wait for a queue when the server tells its name.

    It ends with its connection, and wakes everybody then: they look for themselves.
    """

    def __init__(self, connection, channel):
        self._connection = connection
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        self.has_ended = False
        self._lock = threading.Lock()
        self._sleepers = defaultdict(set)
        self._door, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._listen, name=f"listen to {channel}", daemon=True)
        self._thread.start()

    @contextmanager
    def watch(self, queue, wake):
        """Call `wake` in another thread, any number of times, when the queue may have changed."""
        with self._lock:
            self._sleepers[queue].add(wake)
            if self.has_ended:
                wake()
        try:
            yield
        finally:
            with self._lock:
                self._sleepers[queue].discard(wake)
                if not self._sleepers[queue]:
                    del self._sleepers[queue]

    def close(self):
        """End it, and wait until it has ended."""
        self._bell.close()
        self._thread.join()

    def _listen(self):
        try:
            with self._connection, self._door, self._bell, selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                selector.register(self._door, selectors.EVENT_READ)
                while not any(key.fileobj is self._door for key, _ in selector.select()):
                    for notice in self._connection.notifies(timeout=0):
                        self._wake(unescaped(notice.payload))
        except psycopg.OperationalError:
            pass  # those who wait meet the same error, where it can be raised
        finally:
            with self._lock:
                self.has_ended = True
                for wakes in self._sleepers.values():
                    for wake in wakes:
                        wake()

    def _wake(self, queue):
        with self._lock:
            for wake in self._sleepers.get(queue, ()):
                wake()
