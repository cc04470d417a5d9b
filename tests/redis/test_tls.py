"""Redis over TLS: whose certificate is believed, and certificates of clients."""

from __future__ import annotations

import ssl
from urllib.parse import urlencode

import pytest
import trustme
from celery import Celery

from ranch import AsyncQueue, Queue
from ranch.backends.redis import RedisBackend
from ranch.celery import Ranch
from ranch.exceptions import BackendUnavailable
from ranch.testing.proxy import FaultyProxy
from ranch.testing.server import RedisServer, ServerFailed, free_port
from ranch.testing.topologies import ClusterServers


@pytest.fixture(scope="module")
def ca():
    """An authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def files(ca, tmp_path_factory):
    """What a client is given: the authority's certificate, and a certificate and key of its own."""
    folder = tmp_path_factory.mktemp("tls")
    own = ca.issue_cert("worker@example.org")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    own.private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    return folder


@pytest.fixture
def tls(ca, redis_server):
    """A way to Redis that asks for a client's certificate, and shows one for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    redis_server.empty()
    with FaultyProxy(redis_server.tcp_url, tls=context) as proxy:
        yield proxy


@pytest.fixture
def options(files):
    """What a client that does it right says."""
    return {
        "ssl_ca_certs": f"{files}/ca.pem",
        "ssl_certfile": f"{files}/client.pem",
        "ssl_keyfile": f"{files}/client.pem",
    }


def test_options_in_celerys_settings(tls, options):
    """`redis_use_ssl` makes TLS of a plain URL, with the arguments that it has."""
    app = Celery("mail", broker="memory://", set_as_current=False)
    app.conf.ranch = {"backend": f"redis{tls.url.removeprefix('rediss')}", "redis_use_ssl": options}

    with Ranch(app).queue() as queue:
        queue.enqueue("acme", 1)
        assert queue.stats().pending == 1


def test_options_in_the_url(tls, options):
    """All there is to say fits into one URL."""
    assert tls.url.startswith("rediss://127.0.0.1:")

    with Queue("q", backend=f"{tls.url}?{urlencode(options)}") as queue:
        queue.enqueue("a", 1)

        assert queue.claim(wait=1.0).job.payload == 1


async def test_options_as_keywords(tls, options):
    """The same as keyword options, awaited."""
    async with AsyncQueue("q", backend=RedisBackend(tls.url, **options)) as queue:
        await queue.enqueue("a", 1)

        assert (await queue.claim()).job.payload == 1


def test_a_server_whose_authority_is_not_known_is_refused(tls, options):
    """By default a certificate has to come from somebody the machine trusts."""
    del options["ssl_ca_certs"]

    with (
        Queue("q", backend=RedisBackend(tls.url, retries=0, **options)) as queue,
        pytest.raises(BackendUnavailable, match=r"(?i)certificate"),
    ):
        queue.stats()


def test_a_client_without_a_certificate_is_refused(tls, options):
    """By the server, which does not say why."""
    only_ca = {"ssl_ca_certs": options["ssl_ca_certs"]}

    with Queue("q", backend=RedisBackend(tls.url, retries=0, **only_ca)) as queue, pytest.raises(BackendUnavailable):
        queue.stats()


def test_a_certificate_for_another_host_is_refused(tls, options):
    """The name in the certificate has to be the one in the URL."""
    url = tls.url.replace("127.0.0.1", "localhost")

    with (
        Queue("q", backend=RedisBackend(url, retries=0, **options)) as queue,
        pytest.raises(BackendUnavailable, match=r"(?i)certificate"),
    ):
        queue.stats()


async def test_a_certificate_for_another_host_is_refused_when_awaited(tls, options):
    """The same, awaited."""
    url = tls.url.replace("127.0.0.1", "localhost")

    async with AsyncQueue("q", backend=RedisBackend(url, retries=0, **options)) as queue:
        with pytest.raises(BackendUnavailable, match=r"(?i)certificate"):
            await queue.stats()


async def test_nothing_is_checked_where_that_is_asked_for(tls, options):
    """Neither who signed the certificate nor for whom, blocking and awaited."""
    del options["ssl_ca_certs"]
    backend = RedisBackend(tls.url.replace("127.0.0.1", "localhost"), ssl_cert_reqs="none", **options)

    with Queue("q", backend=backend) as queue:
        queue.enqueue("a", 1)
        async with AsyncQueue("q", backend=backend) as awaited:
            assert (await awaited.claim()).job.payload == 1


@pytest.fixture
def tls_servers(ca, files):
    """Makes servers speak TLS on a port of their own; skips the test where the server was built without."""

    def prepare(*servers, more=()):
        certificate = files / "server.pem"
        ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        ports = [free_port() for _ in servers]
        for server, port in zip(servers, ports, strict=True):
            tls = ("--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", certificate)
            server.options = [*server.options, *map(str, tls), "--tls-ca-cert-file", f"{files}/ca.pem", *more]
        try:
            with RedisServer(servers[0].binary, servers[0].options):
                pass
        except ServerFailed as exc:
            pytest.skip(f"the server was built without TLS: {str(exc)[-100:]}")
        return ports

    return prepare


def test_a_cluster_over_tls(redis_binary, tls_servers, options):
    """Each of its nodes is spoken to by TLS."""
    cluster = ClusterServers(redis_binary)
    ports = tls_servers(*cluster.nodes, more=("--tls-cluster", "yes"))
    with cluster:
        url = f"rediss+cluster://127.0.0.1:{ports[0]}?{urlencode(options)}"
        for name in ("a", "b", "c", "d", "e"):
            with Queue(name, backend=url) as queue:
                queue.enqueue("lane", name)

                assert queue.claim().job.payload == name
