"""What people do about alerts: over HTTP, through Kafka, into every partition; and the commands for it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from dashboards.web import make_web
from monitor.config import Alerts, Http, Secret
from streams import cli, worker
from streams.office import ALERTS, LARGEST, LONGEST_MS
from tests.dashboards.sample import nothing, sample
from tests.streams.line import CONFIG, COUNT, CROWD, Line, decision

TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOUR = 3_600_000
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def line() -> Line:
    made = Line(replace(CONFIG, alerts=Alerts(token=Secret(TOKEN))))
    await made.start()
    return made


@pytest.fixture
async def client(line: Line) -> AsyncIterator[Client]:
    async with TestClient(TestServer(worker._site(line.worker))) as made:
        yield made


async def unfair(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()


async def act(client: Client, kind: str, status: int = 202, **wanted: object) -> dict[str, Any]:
    answer = await client.post(ALERTS, json={"kind": kind, "by": "Ada", **wanted}, headers=BEARER)
    assert answer.status == status, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


async def look(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = await (await client.get(ALERTS, headers=BEARER)).json()
    return found


async def test_a_silence_keeps_people_from_hearing_until_it_is_ended(line: Line, client: Client) -> None:
    made = await act(client, "silence", ms=HOUR, model="loans", comment="known; being fixed")
    await line.turn()
    await unfair(line)
    assert line.told.got == []
    assert [s["id"] for s in (await look(client))["silences"]] == [made["about"]]
    await act(client, "unsilence", about=made["about"])
    await line.turn()
    assert len(line.told.got) == 1
    found = await look(client)
    assert found["silences"] == []
    assert [(a["kind"], a["by"], a["about"]) for a in found["actions"]] == [
        ("unsilence", "Ada", made["about"]),
        ("silence", "Ada", made["about"]),
    ]


async def test_a_silence_of_another_group_mutes_nothing(line: Line, client: Client) -> None:
    await act(client, "silence", ms=HOUR, group="X")
    await line.turn()
    await unfair(line)
    assert len(line.told.got) == 1


async def test_what_was_done_outlives_the_worker_and_is_in_every_partition(
    line: Line, client: Client
) -> None:
    made = await act(client, "silence", ms=HOUR)
    await line.turn()
    line.commit()
    await line.start()
    journals = line.worker.notify.journals
    assert [[s.id for s in journals[p].silences()] for p in range(COUNT)] == [[made["about"]]] * COUNT
    await unfair(line)
    assert line.told.got == []


async def test_an_ack_says_who_has_taken_an_alert_on(line: Line, client: Client) -> None:
    await unfair(line)
    (alert,) = (await look(client))["alerts"]
    made = await act(client, "ack", about=alert["id"], comment="looking\ninto it")
    await line.turn()
    assert (made["episode"], made["comment"]) == (alert["episode"], "looking into it")
    (action,) = (await look(client))["actions"]
    assert action == made


async def test_small_groups_are_shown_to_the_officer(line: Line, client: Client) -> None:
    await unfair(line)
    found = await look(client)
    assert found["alerts"][0]["evidence"]["group"] == "F"
    assert found["deliveries"][0]["subject"] == "sex: F against M"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Basic QWRhOmhlbGxv"}, 401),
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Authorization": b"Bearer \xff".decode("latin-1")}, 403),
    ],
)
async def test_nobody_looks_or_acts_without_the_token(
    line: Line, client: Client, headers: dict[str, str], status: int
) -> None:
    assert (await client.get(ALERTS, headers=headers)).status == status
    answer = await client.post(ALERTS, json={"kind": "silence", "by": "Eve", "ms": HOUR}, headers=headers)
    assert answer.status == status
    assert line.worker.notify.actions() == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_has_a_limit_however_it_is_sent(client: Client, chunked: bool) -> None:
    body = msgspec.json.encode({"kind": "silence", "by": "Ada", "ms": 1, "comment": "x" * LARGEST})

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    answer = await client.post(ALERTS, data=pieces() if chunked else body, headers=BEARER)
    assert answer.status == 413


async def test_without_a_token_in_the_configuration_there_is_no_door() -> None:
    made = Line()
    await made.start()
    async with TestClient(TestServer(worker._site(made.worker))) as client:
        assert (await client.get(ALERTS, headers=BEARER)).status == 404


async def test_the_pages_login_is_another(line: Line) -> None:
    http = Http(user="ada", password=Secret("hello"))
    made = Line(replace(line.config, http=http))
    await made.start()
    async with TestClient(TestServer(worker._site(made.worker))) as client:
        assert (await client.get(ALERTS, headers=BEARER)).status == 200
        assert (await client.get("/api/state", headers=BEARER)).status == 401


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({"kind": "silence", "by": "Ada"}, 400, f"ms: 0 is not allowed; allowed: 1 to {LONGEST_MS}"),
        ({"kind": "silence", "by": "Ada", "ms": LONGEST_MS + 1}, 400, "allowed: 1 to"),
        ({"kind": "silence", "by": " \n", "ms": 1}, 400, "by: '' is not allowed; allowed: a name"),
        ({"kind": "ack", "by": "Ada", "about": "no"}, 404, "'no': this worker knows no such alert"),
        ({"kind": "unsilence", "by": "Ada", "about": "no"}, 404, "'no': no silence has this name"),
        ({"kind": "shout", "by": "Ada"}, 400, "the body: Invalid enum value 'shout'"),
        ({"kind": "ack"}, 400, "missing required field `by`"),
        ({"kind": "ack", "by": "Ada", "who": 1}, 400, "unknown field `who`"),
        ({"kind": "ack", "by": "A" * LARGEST}, 413, "at most"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    line: Line, client: Client, wanted: dict[str, object], status: int, said: str
) -> None:
    answer = await client.post(ALERTS, json=wanted, headers=BEARER)
    assert answer.status == status
    assert said in (await answer.json())["errors"][0]["detail"]
    assert line.worker.notify.actions() == []


# the commands


async def run(client: Client, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The status of a command and what it prints."""
    capsys.readouterr()
    url = str(client.make_url("/"))
    address = [url] if words[0] == "status" else ["--url", url]
    status = await asyncio.to_thread(cli.main, [*words, *address])
    out, err = capsys.readouterr()
    return status, out + err


@pytest.fixture
def officer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_TOKEN", TOKEN)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.usefixtures("officer")
async def test_the_commands_of_the_officer(
    line: Line, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    await unfair(line)
    (alert,) = line.worker.evaluate.alerts()
    status, out = await run(client, capsys, "alerts", "list")
    assert status == 0
    assert re.search(rf"{alert.id[:8]} +firing +critical +loans +.*sex: F against M", out)
    status, out = await run(client, capsys, "alerts", "ack", alert.id[:4], "--by", "Ada", "--comment", "mine")
    assert (status, out) == (0, f"{alert.id} is taken on by Ada\n")
    status, out = await run(
        client, capsys, "alerts", "silence", "--for", "8h", "--model", "loans", "--by", "Bo"
    )
    assert status == 0
    name = out.split()[0]
    await line.turn()
    _, out = await run(client, capsys, "alerts", "list")
    assert re.search(r"sex: F against M +\S+ \S+ UTC +Ada", out)
    assert re.search(rf"{name[:8]} +model loans +.* UTC +Bo", out)
    _, out = await run(client, capsys, "alerts", "show", alert.id)
    assert re.search(r"about +sex: F against M\n", out)
    assert re.search(r"UTC +Ada +ack +\w{8} +mine", out)
    status, out = await run(client, capsys, "alerts", "unsilence", name[:6], "--by", "Bo")
    assert (status, out) == (0, f"{name} is over\n")
    await line.turn()
    _, out = await run(client, capsys, "alerts", "history")
    assert re.search(r"sent", out)
    assert [line for line in ("unsilence", "silence model loans", "ack") if line in out] != []
    assert out.index("unsilence") < out.index("silence model loans") < out.index("ack ")


@pytest.mark.usefixtures("officer")
async def test_the_same_as_json(line: Line, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    await unfair(line)
    (alert,) = line.worker.evaluate.alerts()
    await act(client, "ack", about=alert.id)
    await line.turn()
    found = json.loads((await run(client, capsys, "alerts", "list", "--json"))[1])
    assert [(one["alert"]["id"], one["ack"]["by"]) for one in found["alerts"]] == [(alert.id, "Ada")]
    shown = json.loads((await run(client, capsys, "alerts", "show", alert.id, "--json"))[1])
    assert [shown["alerts"][0]["id"], shown["actions"][0]["about"]] == [alert.id] * 2
    past = json.loads((await run(client, capsys, "alerts", "history", "--json"))[1])
    assert [len(past["deliveries"]), len(past["actions"])] == [1, 1]


@pytest.mark.usefixtures("officer")
async def test_an_ack_is_of_one_episode(
    line: Line, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    await unfair(line)
    (alert,) = line.worker.evaluate.alerts()
    await act(client, "ack", about=alert.id)
    await line.turn()
    for desk in line.worker.evaluate.desks.values():
        desk.alerts = {key: replace(a, episode=a.episode + 1) for key, a in desk.alerts.items()}
    found = json.loads((await run(client, capsys, "alerts", "list", "--json"))[1])
    assert found["alerts"][0]["ack"] is None


@pytest.mark.usefixtures("officer")
async def test_what_fails_is_said_in_one_line(
    line: Line, client: Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await unfair(line)
    status, out = await run(client, capsys, "alerts", "ack", "zzz", "--by", "Ada")
    assert status == 2
    assert re.fullmatch(r"fairlead: ID: 'zzz' is not allowed; allowed: .* begins with: \w{8}\n", out)
    status, out = await run(client, capsys, "alerts", "silence", "--for", "soon", "--by", "Ada")
    assert (status, out.count("\n")) == (2, 1)
    status, out = await run(client, capsys, "alerts", "silence", "--for", "900d", "--by", "Ada")
    assert (status, "allowed: 1 to" in out, out.count("\n")) == (2, True, 1)
    monkeypatch.setenv("FAIRLEAD_TOKEN", "wrong")
    status, out = await run(client, capsys, "alerts", "list")
    assert (status, "403" in out, "the token is not ours" in out) == (2, True, True)
    monkeypatch.delenv("FAIRLEAD_TOKEN")
    status, out = await run(client, capsys, "alerts", "list")
    assert (status, "--secret" in out) == (2, True)


async def test_status_of_a_worker_that_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    async with TestClient(TestServer(make_web(nothing()))) as client:
        status, out = await run(client, capsys, "status")
    assert status == 0
    assert re.search(r"worker +ready\n", out)
    assert "firing" not in out.partition("models")[0]


@pytest.mark.usefixtures("officer")
async def test_status_of_a_worker_where_something_fires(capsys: pytest.CaptureFixture[str]) -> None:
    async with TestClient(TestServer(make_web(sample()))) as client:
        status, out = await run(client, capsys, "status")
        assert status == 1
        assert re.search(r"lag +131 messages\n", out)
        assert "race: African-American" in out
        status, out = await run(client, capsys, "status", "--json")
    found = json.loads(out)
    assert (status, found["well"], found["lag"]) == (1, False, 131)
    assert {a["state"] for a in found["firing"]} == {"firing"}
    assert [(m["name"], m["firing"]) for m in found["models"]] == [
        ("compas", 6),
        ("credit", 1),
        ("support-bot", 0),
    ]


async def test_status_of_a_worker_that_is_not_ready(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = await run(client, capsys, "status")
    assert (status, "not ready: starting" in out) == (1, True)


async def test_status_asks_as_the_page_does(
    line: Line, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRLEAD_PASSWORD", "hello")
    site = make_web(line.worker, "ada", Secret("hello"))
    async with TestClient(TestServer(site)) as client:
        assert (await run(client, capsys, "status", "--user", "ada"))[0] == 1
        status, out = await run(client, capsys, "status")
        assert (status, "401" in out, out.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_a_worker_that_is_not_there(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", url]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), "cannot be reached" in err) == ("", 1, True)
