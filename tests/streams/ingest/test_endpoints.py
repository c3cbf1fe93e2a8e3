"""Events over HTTP, over real sockets: what is answered, what Kafka gets, what is never logged."""

import asyncio
import base64
import gzip
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from io import BytesIO
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from dashboards.web import guard
from monitor.config import Broker, Config, Model, Secret
from monitor.config import Ingest as Settings
from monitor.events import Decision, Feedback
from monitor.events.exposed import FIELDS
from streams.ingest import bodies, endpoints, openapi
from streams.ingest.backlog import Backlog
from streams.ingest.endpoints import Ingest

TOKEN = "kP3-x_7.Qz~9+w/1=="
NOW = 1_790_000_000.0
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ARRAY = {**BEARER, "Content-Type": "application/json"}
LINES = {"Authorization": f"bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
CONFIG = Config(
    models={"credit": Model(positive=["yes"])},
    broker=Broker(decisions="d", feedback="f"),
    ingest=Settings(token=Secret(TOKEN), max_body=2_000_000),
)
Client = TestClient[web.Request, web.Application]


def decision(name: str | int = "loan-1", **more: object) -> dict[str, object]:
    return {"id": name, "model": "credit", "time": NOW, "decision": "yes", **more}


class Kafka:
    """Takes records, and acknowledges them while it is `up`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, bytes]] = []
        self.up, self.asked = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None
        self.up.set()

    def send(self, topic: str, value: bytes, *, key: bytes) -> Awaitable[object]:
        return self._answer((topic, key, value))

    async def _answer(self, record: tuple[str, bytes, bytes]) -> None:
        self.taken.append(record)
        self.asked.set()
        if self.error:
            raise self.error
        await self.up.wait()


@pytest.fixture
async def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


def served(doors: Ingest) -> Client:
    site = web.Application()
    site.add_routes(doors.routes())
    return TestClient(TestServer(site))


def made(kafka: Kafka, counts: Counter[str] | None = None, **settings: Any) -> Ingest:
    limits = {name: settings.pop(name) for name in ("most", "patience") if name in settings}
    backlog = Backlog(kafka.send, **limits)
    found = Counter[str]() if counts is None else counts
    return Ingest(CONFIG, Secret(TOKEN), backlog, found, now=lambda: NOW, **settings)


@pytest.fixture
async def client(kafka: Kafka, counts: Counter[str]) -> AsyncIterator[Client]:
    async with served(made(kafka, counts)) as running:
        yield running


async def post(
    client: Client, body: object, path: str = "/v1/decisions", headers: dict[str, str] = ARRAY
) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    async with client.post(path, data=BytesIO(data), headers=headers) as answer:
        return answer.status, await answer.json()


def reasons(found: Any) -> list[tuple[int | None, str]]:
    return [(error["index"], error["reason"]) for error in found["errors"]]


async def test_one_decision(client: Client, kafka: Kafka) -> None:
    event = decision(score=0.5, attributes={"sex": "F"}, person="Eve")
    assert await post(client, event) == (202, {"accepted": 1, "errors": []})
    ((topic, key, value),) = kafka.taken
    assert (topic, key) == ("d", b"loan-1")
    found = msgspec.json.decode(value, type=Decision)
    assert (found.id, found.score, found.attributes) == ("loan-1", 0.5, {"sex": "F"})
    assert b"Eve" not in value


async def test_feedback_goes_to_its_own_topic(client: Client, kafka: Kafka) -> None:
    event = {"decision_id": 17, "time": NOW, "outcome": "repaid"}
    assert (await post(client, event, "/v1/feedback"))[0] == 202
    ((topic, key, value),) = kafka.taken
    assert (topic, key) == ("f", b"17")
    assert msgspec.json.decode(value, type=Feedback).outcome == "repaid"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (msgspec.json.encode([decision(n) for n in range(3)]), ARRAY),
        (b"\n".join(msgspec.json.encode(decision(n)) for n in range(3)) + b"\n", LINES),
        (
            msgspec.json.encode(
                {
                    "model": "credit",
                    "columns": {"id": [0, 1, 2], "time": [NOW] * 3, "decision": ["yes", "no", "no"]},
                }
            ),
            {**ARRAY, "Content-Type": "application/json; charset=UTF-8"},
        ),
    ],
    ids=["array", "lines", "columns"],
)
async def test_several_events(client: Client, kafka: Kafka, body: bytes, headers: dict[str, str]) -> None:
    assert await post(client, body, headers=headers) == (202, {"accepted": 3, "errors": []})
    assert [key for _, key, _ in kafka.taken] == [b"0", b"1", b"2"]


async def test_no_answer_before_kafka_has_them(client: Client, kafka: Kafka) -> None:
    kafka.up.clear()
    posting = asyncio.create_task(post(client, [decision(1), decision(2)]))
    await kafka.asked.wait()
    await client.get("/v1/openapi.json")  # a whole answer in the meantime
    assert not posting.done()
    kafka.up.set()
    assert await posting == (202, {"accepted": 2, "errors": []})


async def test_good_events_count_though_others_are_wrong(
    client: Client, kafka: Kafka, counts: Counter[str]
) -> None:
    body = [
        decision("a"),
        {"id": "b"},
        decision("c", model="other"),
        decision("d", time="soon"),
        decision("e", features={str(n): "é" * 250 for n in range(200)} | {"x": 1}),
        decision("f"),
    ]
    status, found = await post(client, body)
    assert (status, found["accepted"]) == (202, 2)
    assert reasons(found) == [
        (1, "missing_field"),
        (2, "unknown_model"),
        (3, "wrong_type"),
        (4, "too_long"),
    ]
    assert [key for _, key, _ in kafka.taken] == [b"a", b"f"]
    assert counts["invalid.unknown_model"] == 1
    assert sum(counts.values()) == 4


async def test_the_details_say_what_is_allowed(client: Client) -> None:
    _, found = await post(client, decision(model="other"))
    assert found["errors"][0]["detail"] == "model: 'other'; allowed: credit"


async def test_an_event_larger_than_a_record_is_refused(client: Client, kafka: Kafka) -> None:
    wide = {f"{'€' * 250}{n}": "€" * 250 for n in range(200)}
    event = decision(attributes=wide, slices=wide, features=wide)
    status, found = await post(client, event)
    assert (status, reasons(found)) == (400, [(0, "too_large")])
    assert kafka.taken == []


@pytest.mark.parametrize("body", [b"", b"{", b"[{}]", b"[1]", b'{"columns": {"id": [1], "time": []}}'])
async def test_nothing_good_is_a_bad_request(client: Client, kafka: Kafka, body: bytes) -> None:
    status, found = await post(client, body)
    assert (status, found["accepted"], len(found["errors"])) == (400, 0, 1)
    assert kafka.taken == []


async def test_nothing_at_all_is_accepted(client: Client) -> None:
    assert await post(client, []) == (202, {"accepted": 0, "errors": []})


async def test_names_of_unknown_fields_are_capped(client: Client, counts: Counter[str]) -> None:
    for number in range(2 * FIELDS):
        await post(client, decision(**{f"field{number}": 1}))
    unknown = {name: n for name, n in counts.items() if name.startswith("unknown.")}
    assert len(unknown) == FIELDS + 1
    assert unknown["unknown.__other__"] == FIELDS


async def test_unknown_fields_are_counted_by_name(client: Client, counts: Counter[str]) -> None:
    await post(client, decision(colour="red"))
    assert counts == {"unknown.colour": 1}


# The token.


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        (None, 401, "no_token"),
        ("", 401, "no_token"),
        (TOKEN, 401, "no_token"),
        ("Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode(), 401, "no_token"),
        ("Bearer", 403, "wrong_token"),
        ("Bearer ", 403, "wrong_token"),
        (f"Bearer {TOKEN}x", 403, "wrong_token"),
        (f"Bearer {TOKEN[:-1]}", 403, "wrong_token"),
        ("Bearer ü", 403, "wrong_token"),
    ],
)
async def test_without_the_token_nothing_is_taken(
    client: Client, kafka: Kafka, given: str | None, status: int, reason: str
) -> None:
    headers = {"Content-Type": "text/plain"} | ({} if given is None else {"Authorization": given})
    async with client.post("/v1/decisions", data=b"{", headers=headers) as answer:
        assert answer.status == status
        assert answer.headers.get("WWW-Authenticate") == (
            'Bearer realm="fairlead"' if status == 401 else None
        )
        assert reasons(await answer.json()) == [(None, reason)]
    assert kafka.taken == []


async def test_bytes_that_are_no_text_are_a_wrong_token(client: Client) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n")
    writer.write(b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 403")
    writer.close()
    await writer.wait_closed()


# Limits.


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/octet-stream", "application/json; charset=latin-1"]
)
async def test_other_media_types_are_refused(client: Client, kind: str) -> None:
    status, found = await post(client, decision(), headers=BEARER | {"Content-Type": kind})
    assert (status, reasons(found)) == (415, [(None, "media_type")])


async def test_compressed_bodies_are_refused(client: Client) -> None:
    body = gzip.compress(msgspec.json.encode(decision()))
    status, found = await post(client, body, headers=ARRAY | {"Content-Encoding": "gzip"})
    assert (status, reasons(found)) == (415, [(None, "encoded")])


@pytest.mark.parametrize("chunked", [None, True])
async def test_a_body_has_a_limit(client: Client, chunked: bool | None) -> None:
    size = CONFIG.ingest.max_body
    data = BytesIO(b" " * (size + 1))
    async with client.post("/v1/decisions", data=data, headers=ARRAY, chunked=chunked) as answer:
        assert (answer.status, reasons(await answer.json())) == (413, [(None, "too_large")])
    status, _ = await post(client, msgspec.json.encode([decision()]).ljust(size))
    assert status == 202


async def test_a_body_has_not_too_many_events(client: Client, kafka: Kafka) -> None:
    status, found = await post(client, [1] * (bodies.MOST + 1))
    assert (status, reasons(found)) == (413, [(None, "too_many")])
    assert kafka.taken == []


async def test_a_body_that_does_not_come_is_not_waited_for(kafka: Kafka) -> None:
    async with served(made(kafka, reading=0.01)) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        head = "".join(f"{name}: {value}\r\n" for name, value in ARRAY.items())
        writer.write(f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 9\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


async def test_too_many_requests_at_once_are_refused(kafka: Kafka) -> None:
    kafka.up.clear()
    async with served(made(kafka, requests=1)) as client:
        first = asyncio.create_task(post(client, decision()))
        await kafka.asked.wait()
        async with client.post("/v1/decisions", json=decision(), headers=BEARER) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
            assert reasons(await answer.json()) == [(None, "busy")]
        kafka.up.set()
        assert (await first)[0] == 202
        assert (await post(client, decision()))[0] == 202


async def test_when_kafka_is_slow_apps_must_wait(kafka: Kafka) -> None:
    kafka.up.clear()
    async with served(made(kafka, most=3)) as client:
        first = asyncio.create_task(post(client, [decision(1), decision(2)]))
        await kafka.asked.wait()
        async with client.post("/v1/decisions", json=[decision(3), decision(4)], headers=BEARER) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
            assert reasons(await answer.json()) == [(None, "busy")]
        kafka.up.set()
        assert (await first)[0] == 202
        assert (await post(client, [decision(3), decision(4)]))[0] == 202


async def test_when_kafka_is_away_apps_are_told(kafka: Kafka) -> None:
    kafka.up.clear()
    async with served(made(kafka, patience=0.01)) as client:
        async with client.post("/v1/decisions", json=decision(), headers=BEARER) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert reasons(await answer.json()) == [(None, "kafka_away")]
        kafka.up.set()
        assert (await post(client, decision()))[0] == 202


async def test_faults_are_told_also_while_kafka_is_away(kafka: Kafka) -> None:
    """To send the same again would mend nothing."""
    kafka.up.clear()
    async with served(made(kafka, patience=0.01)) as client:
        assert (await post(client, decision()))[0] == 503
        status, found = await post(client, [1, {"id": "a"}])
        assert (status, reasons(found)) == (400, [(0, "wrong_type"), (1, "missing_field")])


async def test_when_kafka_refuses_apps_are_told(client: Client, kafka: Kafka) -> None:
    kafka.error = OSError("no leader")
    status, found = await post(client, decision())
    assert (status, reasons(found)) == (503, [(None, "kafka_away")])


async def test_no_id_and_no_value_is_ever_logged(
    client: Client, kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for body in (
            decision("eve-4711"),
            {"id": "eve-4711"},
            [decision("eve-4711", time="eve-4711")],
            b"eve-4711",
        ):
            await post(client, body)
        kafka.error = ValueError("eve-4711")
        await post(client, decision("eve-4711"))
    assert "eve-4711" not in caplog.text


def test_of_an_exception_the_log_keeps_the_kind_and_the_place() -> None:
    try:
        raise ValueError("eve-4711")
    except ValueError as error:
        found = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "y", 1, "from %s", ("here",), found)
    assert endpoints.discreet(record)
    text = logging.Formatter().format(record)
    assert re.fullmatch(r"from here: ValueError \(test_endpoints\.py:\d+\)", text)


async def test_bytes_that_are_no_request_are_not_logged(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    site = web.Application()
    site.add_routes(made(kafka).routes())
    server = TestServer(site)
    await server.start_server(logger=endpoints.log)
    async with server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        with caplog.at_level(logging.DEBUG):
            writer.write(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n{"id": "eve-4711"}\r\n\r\n')
            found = await reader.read()
        assert b"400 Bad Request" in found
        writer.close()
        await writer.wait_closed()
    assert any("Error handling request" in record.getMessage() for record in caplog.records)
    assert "eve-4711" not in caplog.text


# The login of the page, and the document.


async def nothing(_: web.Request) -> web.Response:
    return web.Response()


async def test_the_pages_login_is_not_ingests(kafka: Kafka) -> None:
    site = web.Application(middlewares=[endpoints.beside(guard("officer", Secret("hunter2")))])
    site.add_routes(made(kafka).routes())
    site.router.add_get("/", nothing)
    async with TestClient(TestServer(site)) as client:
        assert (await post(client, decision()))[0] == 202
        for path, status in [("/", 401), ("/v1/openapi.json", 200), ("/v1/nothing", 401), ("/v1/../", 401)]:
            async with client.get(path, headers=BEARER) as answer:
                assert answer.status == status, path


async def test_the_document_is_served(client: Client) -> None:
    async with client.get("/v1/openapi.json") as answer:
        assert answer.content_type == "application/json"
        assert await answer.read() == openapi.document()
