"""Kafka over TLS, by certificate or SASL: worker, replay, HTTP ingest and client, and who is turned away."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fairlead_client import Emitter

from streams import settings, topics
from tests.kafka.deployment import FAIRLEAD, Process, wait_until
from tests.kafka.secure import MECHANISMS, PASSWORD, USER, Secure, deny, grant, secure

pytestmark = pytest.mark.kafka

TOKEN = "kP3-x_7.Qz~9+w/1=="
ROWS = "id,time,decision,sex\n1,2026-01-01,yes,F\n2,2026-01-01,no,M\n3,2026-01-02,yes,M\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with secure(tmp_path_factory.mktemp("secure")) as made:
        yield made


def configured(folder: Path, broker: Secure, mechanism: str, **changed: object) -> Path:
    """A configuration beside its secrets; `changed` are settings of the broker, None leaves one out."""
    (folder / "password").write_text(PASSWORD)
    (folder / "wrong").write_text("not " + PASSWORD)
    (folder / "token").write_text(TOKEN)
    said = {
        "url": f'"kafka://{broker.address}"',
        "security_protocol": '"SASL_SSL"',
        "ssl_cafile": f'"{broker.authority}"',
        "sasl_mechanism": f'"{mechanism}"',
        "sasl_username": f'"{USER}"',
        "sasl_password": '{ file = "password" }',
        "partitions": 2,
    } | changed
    lines = "\n".join(f"{name} = {value}" for name, value in said.items() if value is not None)
    made = folder / f"{mechanism}.toml"
    made.write_text(
        f'[broker]\n{lines}\n[http]\nport = 0\n[ingest]\ntoken = {{ file = "token" }}\n'
        '[models.m]\npositive = ["yes"]\nattributes = ["sex"]\nwindows = ["all"]\nmin_group = 1\n'
        "[models.m.columns]\n"
    )
    return made


def topics_of(name: str) -> dict[str, object]:
    """A deployment of its own."""
    names = {"group": name, "decisions": f"{name}-d", "feedback": f"{name}-f", "invalid": f"{name}-i"}
    return {key: f'"{topic}"' for key, topic in names.items()}


def certified(folder: Path, broker: Secure, name: str, **changed: object) -> Path:
    """A configuration of a deployment that shows a certificate."""
    said: dict[str, object] = {
        "url": f'"kafka://{broker.mutual}"',
        "security_protocol": '"SSL"',
        "ssl_certfile": f'"{broker.certificate}"',
        "ssl_keyfile": f'"{broker.certificate.with_suffix(".key")}"',
        "sasl_mechanism": None,
        "sasl_username": None,
        "sasl_password": None,
    }
    return configured(folder, broker, "certified", **(said | topics_of(name) | changed))


def run(*command: object) -> "subprocess.CompletedProcess[str]":
    """A command to its end."""
    words = [FAIRLEAD, *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def replayed(folder: Path, configuration: Path) -> "subprocess.CompletedProcess[str]":
    return run("replay", written(folder), "-c", configuration)


def written(folder: Path) -> Path:
    file = folder / "rows.csv"
    file.write_text(ROWS)
    return file


def post(worker: Process, event: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    body = json.dumps(event).encode()
    request = urllib.request.Request(f"{worker.address}/v1/decisions", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_every_way_in_and_out(broker: Secure, tmp_path: Path) -> None:
    plain, sha256, sha512 = (configured(tmp_path, broker, mechanism) for mechanism in MECHANISMS)
    with Process(sha512) as worker:
        wait_until(worker.ready, "a worker that is ready")
        assert replayed(tmp_path, sha256).stderr.endswith(f"3 events sent to kafka://{broker.address}\n")
        event = {"model": "m", "time": "2026-01-03", "decision": "no", "attributes": {"sex": "F"}}
        assert post(worker, {"id": "4", **event}) == {"accepted": 1, "errors": []}
        options = topics.client_settings(settings.load(plain).broker)
        with Emitter(options.pop("bootstrap_servers"), model="m", **options) as emitter:
            emitter.decision(id="5", time=1767500000.0, decision="yes", attributes={"sex": "F"})
        found = wait_until(lambda: complete(worker, 5), "five decisions")
        assert {g: shown["n"] for g, shown in found["attributes"]["sex"]["groups"].items()} == {
            "F": 3,
            "M": 2,
        }
        assert worker.stop() == 0, worker.lines


def test_a_certificate_says_who_we_are(broker: Secure, tmp_path: Path, unique: str) -> None:
    """To Faust's client, kafka-python in commands and apps, and librdkafka."""
    configuration = certified(tmp_path, broker, unique)
    assert replayed(tmp_path, configuration).returncode == 0
    options = topics.client_settings(settings.load(configuration).broker)
    with Emitter(
        options.pop("bootstrap_servers"), model="m", decisions_topic=f"{unique}-d", **options
    ) as emitter:
        emitter.decision(id="4", time=1767500000.0, decision="yes", attributes={"sex": "F"})
    with Process(configuration) as worker:
        wait_until(worker.ready, "a worker that is ready")
        wait_until(lambda: complete(worker, 4), "four decisions")
        assert worker.stop() == 0, worker.lines
    assert run("slices", "-c", configuration).stdout.startswith("model,source,slice,")
    assert f"{unique}-d: 4 messages" in run("rebuild", "-c", configuration).stdout


def test_who_shows_no_certificate_that_is_trusted_is_told_of_it(
    broker: Secure, tmp_path: Path, unique: str
) -> None:
    key = broker.stranger.with_suffix(".key")
    shown: dict[str, dict[str, object]] = {
        "none": {"ssl_certfile": None, "ssl_keyfile": None},
        "another's": {"ssl_certfile": f'"{broker.stranger}"', "ssl_keyfile": f'"{key}"'},
    }
    workers = {}
    for whose, files in shown.items():
        (tmp_path / whose).mkdir()
        configuration = certified(tmp_path / whose, broker, unique, **files)
        command = [FAIRLEAD, "worker", "-c", configuration]
        workers[whose] = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for whose, process in workers.items():
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2, (whose, said)
        (line,) = said.splitlines()
        assert line.startswith("fairlead: broker.url: "), line
        assert "it asks for a certificate that it trusts, see ssl_certfile: " in line


def test_a_password_without_tls(broker: Secure, tmp_path: Path, unique: str) -> None:
    bare = {"url": f'"kafka://{broker.bare}"', "security_protocol": '"SASL_PLAINTEXT"', "ssl_cafile": None}
    configuration = configured(tmp_path, broker, "PLAIN", **bare, **topics_of(unique))
    assert replayed(tmp_path, configuration).returncode == 0
    with Process(configuration) as worker:
        wait_until(worker.ready, "a worker that is ready")
        wait_until(lambda: complete(worker, 3), "three decisions")
        assert worker.stop() == 0, worker.lines


def complete(worker: Process, decisions: int) -> Any:
    return next((r for r in worker.get("/api/readings") if r["decisions"] == decisions), None)


def test_who_is_not_let_in_ends_with_one_line(broker: Secure, tmp_path: Path) -> None:
    reasons = {
        "password": "Authentication failed during authentication due to invalid credentials|the password",
        "authority": "CERTIFICATE_VERIFY_FAILED",
    }
    started = {
        (wrong, name): subprocess.Popen([FAIRLEAD, *command], stderr=subprocess.PIPE, text=True)
        for wrong in reasons
        for name, command in commands(tmp_path, broker, wrong).items()
    }
    for (wrong, name), process in started.items():
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2, (wrong, name, said)
        assert said.splitlines()[-1].startswith("fairlead: broker.url: "), said
        assert re.search(reasons[wrong], said.splitlines()[-1]), said
        assert PASSWORD not in said
        assert "Traceback" not in said


def test_who_may_not_create_the_topics_is_told_which(broker: Secure, tmp_path: Path) -> None:
    configuration = configured(tmp_path, broker, "PLAIN", sasl_username='"guest"', group='"theirs"')
    done = run("worker", "-c", configuration)
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert "allowed: a user who may create topics, or topics that exist (decisions, feedback, theirs-" in line
    assert "Traceback" not in done.stderr


def guest(folder: Path, broker: Secure, name: str, topics_: str, groups: str) -> Path:
    """A deployment whose topics are there, of `guest` with some rights on them."""
    own = settings.load(configured(folder, broker, "PLAIN", **topics_of(name))).broker
    topics.ensure(own)
    grant(own, name, topics_, groups)
    return configured(folder, broker, "PLAIN", **topics_of(name), sasl_username='"guest"')


def test_read_and_write_are_all_that_a_worker_needs(broker: Secure, tmp_path: Path, unique: str) -> None:
    configuration = guest(tmp_path, broker, unique, "READ WRITE", "READ")
    assert replayed(tmp_path, configuration).returncode == 0
    with Process(configuration) as worker:
        wait_until(worker.ready, "a worker that is ready")
        wait_until(lambda: complete(worker, 3), "three decisions")
        assert worker.stop() == 0, worker.lines


@pytest.mark.parametrize(
    ("topic", "right"), [("d", "Read"), ("panes", "Write"), ("facts-changelog", "Write"), ("i", "Write")]
)
def test_who_lacks_a_right_on_a_topic_is_told_which(
    broker: Secure, tmp_path: Path, unique: str, topic: str, right: str
) -> None:
    configuration = guest(tmp_path, broker, unique, "READ WRITE", "READ")
    with_all = settings.load(configured(tmp_path, broker, "SCRAM-SHA-256")).broker
    deny(with_all, f"{unique}-{topic}", right.upper())
    assert lacking(configuration) == f"{right} on the topic {unique}-{topic}"


def test_all_that_is_missing_is_named(broker: Secure, tmp_path: Path, unique: str) -> None:
    """Without any right on a group or a topic Kafka does not even say whether it exists."""
    configuration = guest(tmp_path, broker, unique, "DESCRIBE", "")
    names = topics.names(settings.load(configuration).broker)
    pairs = [
        f"{right} on the topic {name}"
        for name in sorted(names.everything)
        for right in ("Read", "Write")
        if (name, right) != (names.invalid, "Read")
    ]
    assert lacking(configuration) == ", ".join([*pairs, f"Read on the group {unique}"])


def lacking(configuration: Path) -> str:
    """What a worker says that its user lacks."""
    done = run("worker", "-c", configuration)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("fairlead: broker.url: "), line
    return line.partition("allowed: a user who has ")[2]


def test_a_group_that_may_be_seen_and_not_joined_ends_the_worker(
    broker: Secure, tmp_path: Path, unique: str
) -> None:
    """Kafka does not tell before that Read is missing of a group that nobody joined. Faust waits for ever."""
    configuration = guest(tmp_path, broker, unique, "READ WRITE", "DESCRIBE")
    with Process(configuration) as worker:
        assert worker.ends() == 70
        said = f"this worker cannot be in the group {unique}, for which it needs Read: GroupAuthorization"
        assert said in worker.lines[-1], worker.lines


def commands(folder: Path, broker: Secure, wrong: str) -> dict[str, list[object]]:
    """What cannot connect, because a secret or whom it trusts is wrong."""
    changed = {
        "password": {"sasl_password": '{ file = "wrong" }'},
        "authority": {"ssl_cafile": f'"{broker.stranger}"'},
    }[wrong]
    (folder / wrong).mkdir()
    configuration = configured(folder / wrong, broker, "SCRAM-SHA-512", **changed)
    rows = written(folder)
    return {"worker": ["worker", "-c", configuration], "replay": ["replay", rows, "-c", configuration]}


def test_a_client_that_is_not_let_in_says_so_and_the_app_goes_on(broker: Secure, tmp_path: Path) -> None:
    configuration = configured(tmp_path, broker, "PLAIN", sasl_password='{ file = "wrong" }')
    options = topics.client_settings(settings.load(configuration).broker)
    done = subprocess.run(
        [sys.executable, "-c", APP, json.dumps(options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "True\nit goes on\n")
    assert "Authentication failed" in done.stderr
    assert PASSWORD not in done.stderr


APP = """
import json, logging, sys
from fairlead_client import Emitter
logging.basicConfig()
options = json.loads(sys.argv[1])
emitter = Emitter(options.pop("bootstrap_servers"), model="m", exit_timeout=8, **options)
print(emitter.decision(id="6", time=0.0, decision="yes", attributes={"sex": "F"}))
print("it goes on")
"""
