"""A broker that speaks TLS and asks who is there, by password or certificate, and an authority that nobody
should trust."""

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.config import Broker
from streams.topics import asked
from tests.kafka.broker import Broker as Node
from tests.kafka.broker import running

with warnings.catch_warnings():
    # kafka-python reads its schemas by a function that Python 3.11 deprecated and 3.13 revived
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka.admin import (
        ACL,
        ACLOperation,
        ACLPermissionType,
        ACLResourcePatternType,
        ResourcePattern,
        ResourceType,
    )

USER, PASSWORD = "fairlead", "kP3-x_7.Qz~9+w"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
SCRAM = tuple(f"{name}=[name={USER},password={PASSWORD}]" for name in MECHANISMS if "SCRAM" in name)
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
MORE = {"MUTUAL": "SSL", "BARE": "SASL_PLAINTEXT"}
PROPERTIES = """
ssl.keystore.type=PEM
ssl.keystore.location={broker}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
sasl.enabled.mechanisms={mechanisms}
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config={plain} required username="broker" password="own" \\
  user_broker="own" user_{user}="{password}" user_guest="{password}";
listener.name.bare.plain.sasl.jaas.config={plain} required user_{user}="{password}";
listener.name.bare.sasl.enabled.mechanisms=PLAIN
listener.name.mutual.ssl.client.auth=required
listener.name.client.scram-sha-256.sasl.jaas.config={scram} required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:broker;User:{user};User:CN={user};User:ANONYMOUS
listener.name.client.scram-sha-512.sasl.jaas.config={scram} required;
"""


@dataclass(frozen=True)
class Secure:
    """A running broker for USER with PASSWORD by any of MECHANISMS; whose word holds, and whose does not.

    `guest`, with the same password, may log in by PLAIN and do nothing but what `grant` lets it. `mutual` is
    the address where USER shows `certificate`, `bare` the one that speaks SASL without TLS.
    """

    address: str
    mutual: str
    bare: str
    authority: Path
    stranger: Path
    certificate: Path  # and its key beside it, as .key


@contextmanager
def secure(home: Path) -> Iterator[Secure]:
    authority, stranger = _authority(home, "authority"), _authority(home, "stranger")
    properties = PROPERTIES.format(
        broker=_certified(home, authority, "broker"),
        authority=authority,
        mechanisms=",".join(MECHANISMS),
        plain=PLAIN,
        scram=PLAIN.replace("plain", "scram").replace("Plain", "Scram"),
        user=USER,
        password=PASSWORD,
    )
    certificate = _certified(home, authority, USER).with_suffix(".crt")
    with running(Node(home, "SASL_SSL", properties, SCRAM, MORE)) as broker:
        mutual, bare = (broker.addresses[name] for name in MORE)
        yield Secure(broker.address, mutual, bare, authority, stranger, certificate)


def _authority(home: Path, name: str) -> Path:
    """A certificate that signs others; its key lies beside it."""
    made = home / f"{name}.pem"
    options = ["-keyout", home / f"{name}.key", "-out", made, "-subj", f"/CN={name}", "-days", "2"]
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *options)
    return made


def _certified(home: Path, authority: Path, name: str) -> Path:
    """Somebody's key and certificate in one file; they lie beside it, too."""
    key, asked, signed, names = (home / f"{name}.{end}" for end in ("key", "csr", "crt", "ext"))
    names.write_text("subjectAltName=IP:127.0.0.1")
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", asked, "-subj", f"/CN={name}")
    signer = ["-CA", authority, "-CAkey", authority.with_suffix(".key"), "-CAcreateserial", "-days", "2"]
    _openssl("x509", "-req", "-in", asked, "-out", signed, "-extfile", names, *signer)
    both = home / f"{name}.pem"
    both.write_text(key.read_text() + signed.read_text() + authority.read_text())
    return both


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def grant(broker: Broker, name: str, topics: str, groups: str = "") -> None:
    """Lets `guest` do some operations, as "READ WRITE", on the topics and groups that begin with a name."""
    kinds = {ResourceType.TOPIC: topics, ResourceType.GROUP: groups}
    patterns = {kind: ResourcePattern(kind, name, ACLResourcePatternType.PREFIXED) for kind in kinds}
    _rule(
        broker,
        [
            _guest(ACLPermissionType.ALLOW, word, patterns[kind])
            for kind, words in kinds.items()
            for word in words.split()
        ],
    )


def deny(broker: Broker, topic: str, operation: str) -> None:
    """Takes one operation on one topic from `guest`."""
    _rule(broker, [_guest(ACLPermissionType.DENY, operation, ResourcePattern(ResourceType.TOPIC, topic))])


def _guest(permission: ACLPermissionType, operation: str, pattern: ResourcePattern) -> ACL:
    return ACL("User:guest", "*", ACLOperation[operation], permission, pattern)


def _rule(broker: Broker, rules: list[ACL]) -> None:
    with asked(broker) as admin:
        made = admin.create_acls(rules)
    assert not made["failed"], made
