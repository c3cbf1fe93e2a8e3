"""Which certificates a connection to Kafka is made with, and what is said of those that cannot be used."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.config import Broker, ConfigError, Secret
from streams import tls, topics
from streams.commands import slices


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ours.crt` with its keys `ours.key` and, under a password, `locked.key`, both in `both.pem`; another's
    `other.key`; and what is no PEM."""
    if shutil.which("openssl") is None and not os.environ.get("CI"):
        pytest.skip("needs openssl, to make certificates")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ours", "other"):
        make = (
            f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        )
        openssl(folder, make)
    openssl(folder, "rsa -aes256 -in ours.key -out locked.key -passout pass:hunter2hunter2")
    (folder / "both.pem").write_text((folder / "ours.key").read_text() + (folder / "ours.crt").read_text())
    (folder / "junk").write_text("junk")
    return folder


def openssl(folder: Path, words: str) -> None:
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True, timeout=60)


def broker(files: Path, **named: str) -> Broker:
    """A broker over TLS with files by name."""
    fields: dict[str, Any] = {f"ssl_{what}": str(files / name) for what, name in named.items()}
    if "ssl_password" in fields:
        fields["ssl_password"] = Secret(named["password"])
    return Broker(security_protocol="SSL", **fields)


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"cafile": "ours.crt"},
        {"certfile": "ours.crt", "keyfile": "ours.key"},
        {"certfile": "both.pem"},
        {"certfile": "ours.crt", "keyfile": "locked.key", "password": "hunter2hunter2"},
    ],
)
def test_files_that_fit_are_used(files: Path, named: dict[str, str]) -> None:
    made = tls.context(broker(files, **named))
    assert made is not None
    assert made.check_hostname
    if "cafile" in named:
        assert [found["subject"] for found in made.get_ca_certs()] == [((("commonName", "ours"),),)]


def test_without_tls_there_is_nothing_to_show() -> None:
    assert tls.context(Broker(security_protocol="SASL_PLAINTEXT")) is None


KEY = "the key of ssl_certfile, as PEM, which ssl_password opens"


@pytest.mark.parametrize(
    ("named", "field", "allowed"),
    [
        ({"cafile": "none"}, "ssl_cafile", "a file that can be read (No such file or directory)"),
        ({"cafile": "."}, "ssl_cafile", "a file that can be read (Is a directory)"),
        ({"cafile": "junk"}, "ssl_cafile", "a file of certificates, as PEM"),
        ({"certfile": "none"}, "ssl_certfile", "a file that can be read (No such file or directory)"),
        ({"certfile": "junk", "keyfile": "ours.key"}, "ssl_certfile", "a file of certificates, as PEM"),
        ({"certfile": "ours.key", "keyfile": "ours.key"}, "ssl_certfile", "a file of certificates, as PEM"),
        (
            {"certfile": "ours.crt", "keyfile": "none"},
            "ssl_keyfile",
            "a file that can be read (No such file or directory)",
        ),
        ({"certfile": "ours.crt", "keyfile": "junk"}, "ssl_keyfile", f"{KEY} (none can be read)"),
        ({"certfile": "ours.crt", "keyfile": "locked.key"}, "ssl_keyfile", f"{KEY} (none can be read)"),
        (
            {"certfile": "ours.crt", "keyfile": "locked.key", "password": "wrong-one"},
            "ssl_keyfile",
            f"{KEY} (none can be read)",
        ),
        ({"certfile": "ours.crt", "keyfile": "other.key"}, "ssl_keyfile", f"{KEY} (key values mismatch)"),
        (
            {"certfile": "ours.crt"},
            "ssl_keyfile",
            f"{KEY} (none can be read), unless it is in ssl_certfile itself",
        ),
    ],
)
def test_files_that_cannot_be_used_are_named(
    files: Path, named: dict[str, str], field: str, allowed: str
) -> None:
    made = broker(files, **named)
    for asked in (tls.context, topics.client_settings):
        with pytest.raises(ConfigError) as caught:
            asked(made)
        value = str(getattr(made, field)) if getattr(made, field) else None
        assert str(caught.value) == f"broker.{field}: {value!r} is not allowed; allowed: {allowed}"


NAMED = {"cafile": "ours.crt", "certfile": "ours.crt", "keyfile": "locked.key", "password": "hunter2hunter2"}


def test_kafka_python_and_librdkafka_are_handed_the_files(files: Path) -> None:
    ours, key = str(files / "ours.crt"), str(files / "locked.key")
    made = broker(files, **NAMED)
    assert topics.client_settings(made) == {
        "bootstrap_servers": ["localhost:9092"],
        "security_protocol": "SSL",
        "ssl_cafile": ours,
        "ssl_certfile": ours,
        "ssl_keyfile": key,
        "ssl_password": "hunter2hunter2",
    }
    handed = slices._settings(made)
    assert {name: value for name, value in handed.items() if name.startswith("s")} == {
        "security.protocol": "SSL",
        "ssl.ca.location": ours,
        "ssl.certificate.location": ours,
        "ssl.key.location": key,
        "ssl.key.password": "hunter2hunter2",
    }


def test_librdkafka_is_told_that_the_key_is_with_the_certificate(files: Path) -> None:
    handed = slices._settings(broker(files, certfile="both.pem"))
    assert handed["ssl.key.location"] == handed["ssl.certificate.location"] == str(files / "both.pem")
