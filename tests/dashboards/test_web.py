"""The HTTP interface, asked over a real socket."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from dashboards.state import State
from dashboards.suppression import PublicAlert
from dashboards.view import Health
from dashboards.web import make_web
from monitor.config import Secret
from monitor.readings import Reading
from tests.dashboards.sample import SampleView, nothing, sample

DOCS = Path(__file__).parents[2] / "docs" / "dashboards.md"
Client = TestClient[web.Request, web.Application]
PATHS = [
    "/",
    "/static/page.js",
    "/api/state",
    "/api/readings",
    "/api/alerts",
    "/api/health",
    "/metrics",
    "/healthz",
    "/readyz",
]


@pytest.fixture
def view() -> SampleView:
    return sample()


@pytest.fixture
async def client(view: SampleView) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_web(view))) as made:
        yield made


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
async def test_every_answer_carries_the_security_headers(client: Client, path: str):
    response = await client.get(path)
    assert response.status == (404 if path == "/nothing" else 200)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_readings_are_the_public_ones(client: Client, view: SampleView):
    found = msgspec.json.decode(await (await client.get("/api/readings")).read(), type=list[Reading])
    assert [(r.model, r.window) for r in found] == [("compas", "30d"), ("compas", "all"), ("credit", "all")]
    assert found[1] == view.shown[1]
    assert set(found[0].attributes["race"].groups) == {"African-American", "Caucasian", "Hispanic"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"model": "compas"}, 2),
        ({"window": "all"}, 2),
        ({"model": "credit", "window": "all"}, 1),
        ({"model": "no"}, 0),
    ],
)
async def test_readings_of_one_model_or_window(client: Client, query: dict[str, str], expected: int):
    assert len(await (await client.get("/api/readings", params=query)).json()) == expected


async def test_undefined_is_null(client: Client):
    [reading] = await (await client.get("/api/readings", params={"model": "compas", "window": "30d"})).json()
    rate = reading["attributes"]["race"]["groups"]["Caucasian"]["rates"]["false_positive_rate"]
    assert rate["value"] is None


async def test_state_is_of_the_model_that_is_asked_for(client: Client):
    for asked, expected in [("credit", "credit"), ("gone", "compas"), ("support-bot", "support-bot")]:
        body = await (await client.get("/api/state", params={"model": asked})).read()
        state = msgspec.json.decode(body, type=State)
        assert state.model == expected
        assert {r.model for r in state.readings} <= {expected}
    assert {m.name: m.firing for m in state.models} == {"compas": 6, "credit": 1, "support-bot": 0}
    assert state.models[0].verdicts["out_of_limits"] == 7


async def test_state_of_an_empty_deployment():
    view = nothing()
    view.watched = {}
    async with TestClient(TestServer(make_web(view))) as client:
        assert (await (await client.get("/api/state")).json())["model"] is None


async def test_alerts_and_health(client: Client, view: SampleView):
    alerts = msgspec.json.decode(await (await client.get("/api/alerts")).read(), type=list[PublicAlert])
    assert [a.id for a in alerts] == [a.id for a in view.firing]
    health = msgspec.json.decode(await (await client.get("/api/health")).read(), type=Health)
    assert health == view.state


async def test_an_unchanged_state_is_not_sent_again(client: Client, view: SampleView):
    first = await client.get("/api/state")
    again = {"If-None-Match": first.headers["ETag"]}
    assert (await client.get("/api/state", headers=again)).status == 304
    view.later(1)
    assert (await client.get("/api/state", headers=again)).status == 200


@pytest.mark.parametrize("path", ["/api/state", "/metrics", "/static/page.css"])
async def test_answers_are_compressed_for_those_who_ask(view: SampleView, path: str):
    async with TestClient(TestServer(make_web(view)), auto_decompress=False) as client:
        packed = await client.get(path, headers={"Accept-Encoding": "gzip"})
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert len(await packed.read()) < 0.5 * len(await plain.read())


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
async def test_metrics_speak_both_formats(client: Client, accept: str, expected: str):
    response = await client.get("/metrics", headers={"Accept": accept})
    assert response.headers["Content-Type"] == expected
    assert 'fairlead_events_total{topic="decisions"}' in await response.text()


async def test_ready_says_why_not(client: Client, view: SampleView):
    view.state = replace(view.state, ready=False, reason="recovering facts: 3 of 8 partitions")
    response = await client.get("/readyz")
    assert (response.status, await response.text()) == (503, "recovering facts: 3 of 8 partitions\n")
    assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize("name", ["page.html", "__init__.py", "..%2Fweb.py", "page.py", ""])
async def test_only_the_page_s_own_files_are_served(client: Client, name: str):
    assert (await client.get(f"/static/{name}")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/report/..%2F..%2Fetc%2Fpasswd",
        "/report/%2Fetc%2Fpasswd",
        "/report/%00",
        "/report/<script>alert(1)<%2Fscript>",
        "/report/%0D%0ASet-Cookie:%20a=b",
        "/static/..%2F..%2Freport.py",
        "/static/%2Fetc%2Fpasswd",
        "/static/page.js%00.css",
    ],
)
async def test_paths_lead_nowhere_else(client: Client, path: str):
    response = await client.get(path)
    assert response.status == 404
    assert response.content_type == "text/plain"
    assert "Set-Cookie" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/report/compas", "/metrics"])
async def test_who_asks_for_much_waits_and_the_rest_does_not(client: Client, path: str):
    """What takes a thread leaves threads to evaluation, and the page's probes answer meanwhile."""
    asked = [asyncio.create_task(client.get(path)) for _ in range(20)]
    assert (await client.get("/healthz")).status == 200
    assert {answer.status for answer in await asyncio.gather(*asked)} <= {200, 404}


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


async def test_a_password_guards_all_but_the_probes():
    app = make_web(sample(), user="officer", password=Secret("müde & wach"))
    async with TestClient(TestServer(app)) as client:
        for path in PATHS:
            expected = 200 if path in {"/healthz", "/readyz"} else 401
            assert (await client.get(path)).status == expected, path
            for given in (basic("officer", "wach & müde"), basic("", ""), "Basic ÿ", "Bearer x"):
                assert (await client.get(path, headers={"Authorization": given})).status == expected, path
            right = {"Authorization": basic("officer", "müde & wach")}
            assert (await client.get(path, headers=right)).status == 200, path
        refused = await client.get("/")
        assert refused.headers["WWW-Authenticate"].startswith("Basic")
        assert "Content-Security-Policy" in refused.headers


def test_half_a_login_is_refused():
    with pytest.raises(ValueError, match="both or neither"):
        make_web(sample(), user="officer")


@pytest.mark.parametrize("given", [b"Basic \xff\xfe", b"\xed\xa0\x80", b"Basic " + b"\x80" * 4000, b""])
async def test_credentials_that_are_no_text_are_wrong_credentials(given: bytes):
    app = make_web(sample(), user="officer", password=Secret("x"))
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(
            b"GET /api/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
            + given
            + b"\r\n\r\n"
        )
        head, _, _ = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 401 ")
    assert b"WWW-Authenticate: Basic" in head


def test_every_address_is_documented():
    documented = set(re.findall(r"^\| `(/[^`]*)` \|", DOCS.read_text(), re.MULTILINE))
    app = make_web(nothing())
    assert {route.resource.canonical for route in app.router.routes() if route.resource} == documented
