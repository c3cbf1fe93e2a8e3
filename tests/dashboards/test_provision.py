"""Pushing the boards, against a stand-in for Grafana's HTTP API."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from dashboards.provision import Credential, ProvisionError, all_boards, encoded, export, push
from monitor.config import Secret
from tests.dashboards.grafana import TOKEN, Grafana

UIDS = {"fairlead-fairness", "fairlead-drift", "fairlead-stream-health"}


@pytest.fixture
def grafana() -> Grafana:
    return Grafana()


@pytest.fixture
async def url(grafana: Grafana) -> AsyncIterator[str]:
    async with TestServer(grafana.app()) as server:
        yield str(server.make_url("")).rstrip("/")


async def pushed(url: str, credential: Credential = Secret(TOKEN)) -> list[str]:  # noqa: B008, it is frozen
    return await asyncio.to_thread(push, url, credential)


async def test_all_boards_arrive_in_their_folder(grafana: Grafana, url: str):
    links = await pushed(url)
    assert set(links) == {f"{url}/d/{uid}/x" for uid in UIDS}
    assert {uid: board["folderUid"] for uid, board in grafana.boards.items()} == dict.fromkeys(
        UIDS, "fairlead"
    )
    assert grafana.folders["fairlead"]["title"] == "Fairlead"
    for board in all_boards():
        assert grafana.boards[board.uid]["dashboard"] == {**json.loads(encoded(board)), "id": None}


async def test_pushing_again_replaces_and_adds_nothing(grafana: Grafana, url: str):
    assert await pushed(url) == await pushed(f"{url}/")
    assert (set(grafana.boards), len(grafana.folders)) == (UIDS, 1)
    assert {board["version"] for board in grafana.boards.values()} == {2}


async def test_a_name_and_password_will_do(grafana: Grafana, url: str):
    await pushed(url, ("admin", Secret("geheim")))
    assert set(grafana.boards) == UIDS


async def test_grafana_behind_a_path(grafana: Grafana):
    outer = web.Application()
    outer.add_subapp("/grafana", grafana.app())
    async with TestServer(outer) as server:
        links = await pushed(str(server.make_url("/grafana/")))
        assert links[0].startswith(str(server.make_url("/grafana/d/fairlead-")))


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (401, "Invalid API key", "answered 401: it does not know this token or password"),
        (403, "You'll need additional permissions", "answered 403: the token lacks a permission"),
        (404, "Not found", "answered 404: no Grafana answers at this address"),
        (400, "bad\nrequest", "answered 400: Bad Input: `{'message': 'bad\\nrequest'}`"),
        (412, "provisioned", "answered 412: a board of this uid is provisioned from a file"),
        (503, "starting\nup", "answered 503: Server Error 503: starting up"),
    ],
)
async def test_refusals_are_one_line(grafana: Grafana, url: str, status: int, said: str, expected: str):
    grafana.refuse = (status, said)
    with pytest.raises(ProvisionError) as refused:
        await pushed(url)
    message = str(refused.value)
    assert expected in message
    assert url in message
    assert "\n" not in message
    assert TOKEN not in message


@pytest.mark.parametrize(
    ("sources", "found"), [([], "none"), ([{"type": "loki"}, {"type": "tempo"}], "loki, tempo")]
)
async def test_a_prometheus_is_needed(grafana: Grafana, url: str, sources: list[dict[str, str]], found: str):
    grafana.sources = sources
    with pytest.raises(ProvisionError, match=rf"no Prometheus data source \(found: {found}\)"):
        await pushed(url)
    assert grafana.boards == {}


async def test_without_a_credential_it_is_refused(url: str):
    with pytest.raises(ProvisionError, match="answered 401"):
        await pushed(url, None)


async def test_nobody_answers():
    with pytest.raises(ProvisionError, match=r"cannot reach Grafana \(ConnectionError\)"):
        await pushed(f"http://127.0.0.1:{unused_port()}")


async def test_something_else_answers():
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="{", content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    async with TestServer(app) as server:
        with pytest.raises(ProvisionError, match="the answer is not Grafana's"):
            await pushed(str(server.make_url("/")))


@pytest.mark.parametrize("url", ["grafana:3000", "", "ftp://g", "http://", "https://me:secret@g"])
def test_addresses_are_checked_first(url: str):
    with pytest.raises(ProvisionError, match=r"^url: .* not allowed; allowed: ") as refused:
        push(url)
    assert "secret" not in str(refused.value)


def test_export_writes_one_file_a_board(tmp_path: Path):
    written = export(tmp_path / "new" / "folder")
    assert {path.stem for path in written} == UIDS
    assert {json.loads(path.read_text())["uid"] for path in written} == UIDS
