"""Several Redis servers that belong together: a primary with its replica and a Sentinel, and a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import redis
from redis.crc import key_slot

from ranch.testing.server import RedisServer, free_port
from ranch.testing.waiting import wait_until

_SLOTS: Final = 16384
#: What the Sentinel of `WatchedServers` calls them.
SERVICE: Final = "ranch"
#: For how many milliseconds a primary must be gone until its replica takes over, where that is waited for. Else it is
#: so long that none is taken for lost while the machine has other things to do.
_DOWN_AFTER: Final = 300
_NODE_TIMEOUT: Final = 2000
_NEVER: Final = 600_000


def catch_up(replica: RedisServer, primary: RedisServer) -> None:
    """Return once a replica has all that was written to its primary so far."""
    with redis.Redis.from_url(primary.url) as client:
        written = client.info("replication")["master_repl_offset"]
    with redis.Redis.from_url(replica.url) as client:
        wait_until(lambda: client.info("replication")["slave_repl_offset"] >= written)


class _Servers:
    """Servers that start and end together."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()


class WatchedServers(_Servers):
    """A primary, a replica, and one Sentinel that makes the replica the primary when it is told to, or let.

    Args:
        binary: The server's program; without one, what `find_server` finds.
        options: More arguments for the two servers.
    """

    def __init__(self, binary: Path | None = None, options: Sequence[str] = ()) -> None:
        super().__init__()
        fast = ("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *options)
        self.primary = RedisServer(binary, fast)
        self.replica = RedisServer(binary, fast)
        self.sentinel = _Sentinel(self.primary)

    def __enter__(self) -> WatchedServers:
        with ExitStack() as stack:
            stack.enter_context(self.primary)
            self.replica.options = [*self.replica.options, "--replicaof", "127.0.0.1", str(self.primary.port)]
            stack.enter_context(self.replica)
            stack.enter_context(self.sentinel)
            with redis.Redis.from_url(self.replica.url) as client:
                wait_until(lambda: client.info("replication")["master_link_status"] == "up")
            with redis.Redis.from_url(self.sentinel.url) as client:
                wait_until(lambda: client.execute_command("SENTINEL", "REPLICAS", SERVICE))
            self._stack = stack.pop_all()
        return self

    @property
    def url(self) -> str:
        """The address for a backend."""
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/{SERVICE}/0"

    def lose_primary(self) -> None:
        """Kill the primary once the replica has all its data; nobody takes over before `let_replica_take_over`."""
        catch_up(self.replica, self.primary)
        self.primary.kill()

    def let_replica_take_over(self) -> None:
        """Let the Sentinel notice that the primary is lost."""
        self._be_patient_for(_DOWN_AFTER)

    def fail_over(self) -> None:
        """Let the two servers change roles, both staying up, and return when they have."""

        def accepted() -> bool:
            try:
                sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
            except redis.ResponseError:  # It has not looked at the replica yet.
                return False
            return True

        with redis.Redis.from_url(self.sentinel.url) as sentinel:
            wait_until(accepted, interval=0.1)
        self._see_failover()
        with redis.Redis.from_url(self.primary.url) as client:
            client.replicaof("127.0.0.1", self.replica.port)  # which takes the Sentinel ten seconds

    def wait_for_failover(self) -> None:
        """Let the replica take over, and return once the Sentinel names it as the primary, and it takes changes."""
        self.let_replica_take_over()
        self._see_failover()

    def _be_patient_for(self, milliseconds: int) -> None:
        with redis.Redis.from_url(self.sentinel.url) as sentinel:
            sentinel.sentinel_set(SERVICE, "down-after-milliseconds", milliseconds)

    def _see_failover(self) -> None:
        def failed_over() -> bool:
            _, port = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
            return int(port) == self.replica.port and client.info("replication")["role"] == "master"

        def is_thought_well() -> bool:
            # Not by sentinel_master(), which raises in redis-py 6.
            return bool(sentinel.info("sentinel")["master0"]["status"] == "ok")

        with redis.Redis.from_url(self.sentinel.url) as sentinel, redis.Redis.from_url(self.replica.url) as client:
            wait_until(failed_over)
            self._be_patient_for(_NEVER)
            wait_until(is_thought_well)


class _Sentinel(RedisServer):
    """A Sentinel that watches a running primary, alone, so that it decides alone."""

    def __init__(self, primary: RedisServer) -> None:
        super().__init__(primary.binary)
        self._primary = primary

    def _arguments(self, folder: Path) -> list[str]:
        settings = folder / "sentinel.conf"
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {folder}",
            f"unixsocket {folder}/redis.sock",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self._primary.port} 1",
            f"sentinel down-after-milliseconds {SERVICE} {_NEVER}",
            f"sentinel failover-timeout {SERVICE} 3000",
        ]
        settings.write_text("\n".join(lines) + "\n")
        return [str(settings), "--sentinel"]


class ClusterServers(_Servers):
    """A cluster of primaries on this host, which share the slots evenly.

    Args:
        binary: The server's program, Redis 7 or newer or Valkey; without one, what `find_server` finds.
        count: How many nodes.
        options: More arguments for each of them.
    """

    def __init__(self, binary: Path | None = None, count: int = 3, options: Sequence[str] = ()) -> None:
        super().__init__()
        self._binary, self._options, self._first_bus = binary, options, 0
        self.nodes = [RedisServer(binary, options) for _ in range(count)]
        #: One for each node.
        self.clients: list[Any] = []
        self._ids: list[bytes] = []

    def __enter__(self) -> ClusterServers:
        with ExitStack() as stack:
            buses = [self._launch(node, stack) for node in self.nodes]
            self._first_bus = buses[0]
            self.clients += [stack.enter_context(redis.Redis.from_url(node.url)) for node in self.nodes]
            share = -(-_SLOTS // len(self.nodes))
            for number, client in enumerate(self.clients):
                first, last = number * share, min((number + 1) * share, _SLOTS) - 1
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, buses[0])
            for client in self.clients:
                wait_until(partial(self._knows_all, client))
                self._ids.append(client.execute_command("CLUSTER", "MYID"))
                # Not from the beginning: nodes would take longer to find together.
                client.config_set("cluster-node-timeout", _NEVER)
            self._stack = stack.pop_all()
        return self

    def _launch(self, node: RedisServer, stack: ExitStack) -> int:
        """Start a server that belongs to a cluster, and return the port on which it speaks to the others."""
        bus = free_port()  # not the port and 10,000 more, which may be none
        enabled = ("--cluster-enabled", "yes", "--cluster-port", str(bus))
        node.options = [*node.options, *enabled, "--cluster-node-timeout", str(_NODE_TIMEOUT)]
        stack.enter_context(node)
        return bus

    def _knows_all(self, client: Any) -> bool:
        info = client.execute_command("CLUSTER INFO")
        return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == len(self.nodes)

    @property
    def url(self) -> str:
        """The address for a backend; names two of the nodes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def empty(self) -> None:
        """Remove all data."""
        for client in self.clients:
            client.flushall()

    def add_replica(self, number: int) -> RedisServer:
        """Start a replica of a node, which can take over from it, and return it when it has the data."""
        replica = RedisServer(self._binary, self._options)
        self._launch(replica, self._stack)
        client = self._stack.enter_context(redis.Redis.from_url(replica.url))
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self._first_bus)
        wait_until(lambda: self._ids[number] in client.execute_command("CLUSTER", "NODES"))
        client.execute_command("CLUSTER", "REPLICATE", self._ids[number])
        wait_until(lambda: client.info("replication").get("master_link_status") == "up")
        return replica

    def lose(self, number: int, replica: RedisServer) -> None:
        """Kill a node once its replica has all its data; nobody takes over before `let_replica_take_over`."""
        catch_up(replica, self.nodes[number])
        self.nodes[number].kill()

    def let_replica_take_over(self, lost: int) -> None:
        """Let the other nodes notice that one is lost."""
        for number, client in enumerate(self.clients):
            if number != lost:
                client.config_set("cluster-node-timeout", _NODE_TIMEOUT)

    def owner(self, key: str) -> int:
        """Tell which of the nodes, from 0 on, serves a key."""
        slot = key_slot(key.encode())
        for first, last, node, *_ in self.clients[0].execute_command("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return self._ids.index(node[2])
        raise LookupError(f"nobody serves slot {slot}, of {key!r}")

    def move(self, key: str, to: int) -> Iterator[str]:
        """Move the slot of a key to another node, while clients use it.

        Yields ``"opened"`` once the slot is on the move, the name of each key that was moved, and ``"closed"``.
        """
        slot, source = key_slot(key.encode()), self.clients[self.owner(key)]
        target = self.clients[to]
        target.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", self._ids[self.clients.index(source)])
        source.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", self._ids[to])
        yield "opened"
        while names := source.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1):
            source.execute_command("MIGRATE", "127.0.0.1", self.nodes[to].port, names[0], 0, 60_000)
            yield names[0].decode()
        for client in (target, source, *self.clients):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", self._ids[to])
        yield "closed"
