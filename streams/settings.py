"""From fairlead.toml to a `Config`: secrets looked up, presets applied, everything checked."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from alerts import routes, rules
from monitor import baseline, validate
from monitor.baseline import Baseline, BaselineError
from monitor.config import (
    Broker,
    Columns,
    Config,
    ConfigError,
    Ingest,
    Model,
    Secret,
    convert,
    presets,
)
from monitor.sequential.control import Budget
from streams import tls
from streams.files.mapping import ROW

SECRET_SECTIONS = (
    "broker",
    "http",
    "ingest",
    "alerts",
    "notifiers",
    "hash_key",
)  # where a table of one key is a reference
HASH_KEY = 16  # characters, at least
TOPIC = re.compile(r"[\w.-]{1,249}", re.ASCII)
TOKEN = re.compile(r"[\w.~+/-]{16,}=*", re.ASCII)  # RFC 6750
BROKERS = re.compile(r"kafka://[^\s/@,;:]+:\d+(?:[,;](?:kafka://)?[^\s/@,;:]+:\d+)*")


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration that a file holds. Raises ConfigError: one line with key, value and what is allowed.

    Files that it names are looked for beside it. `environment` is where `{ env = "NAME" }` looks.
    """
    raw = _read(path)
    for section in (name for name in SECRET_SECTIONS if name in raw):
        raw[section] = _resolve(raw[section], section, path.parent, environment)
    return build(raw, path.parent)


def build(raw: Mapping[str, Any], folder: Path) -> Config:
    """The configuration of a mapping whose secrets have been looked up. Raises ConfigError.

    It is checked as it is written, before presets add their rules: errors count the rules that are there.
    """
    config = _converted(raw, folder)
    check(config)
    ready = replace(config, models={name: presets.apply(model) for name, model in config.models.items()})
    rules.check(ready)
    return ready


def check(config: Config) -> None:
    """Whether a configuration makes sense as a whole. Raises ConfigError."""
    for name, model in config.models.items():
        validate.check(name, model)
        read_baseline(name, model)
    validate.check_together(config.models)
    rules.check(config)
    routes.build(config)
    check_broker(config.broker)
    _check_addresses(config)
    _check_topics(config)
    _check_ingest(config.ingest)
    _check_token(config.alerts.token, "alerts.token")
    if config.hash_key is not None and len(config.hash_key.value) < HASH_KEY:
        raise ConfigError("hash_key", "…", f"a secret of {HASH_KEY} characters or more")


def read_baseline(name: str, model: Model) -> Baseline | None:
    """The model's baseline from its file; None if it is to be the first decisions. Raises ConfigError."""
    if isinstance(model.baseline, int):
        return None
    key = f"models.{name}.baseline"
    try:
        return baseline.from_json(Path(model.baseline).read_bytes())
    except OSError as error:
        allowed = f"a number of decisions, or the file that `fairlead baseline` wrote ({error.strerror})"
        raise ConfigError(key, model.baseline, allowed) from None
    except BaselineError:
        allowed = "a file that `fairlead baseline` wrote, undamaged and of this version"
        raise ConfigError(key, model.baseline, allowed) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError("-c", str(path), f"a file that can be read ({reason})") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, str(error)) from None


def _not_toml(path: Path, text: str, message: str) -> ConfigError:
    """Python's words with the line that they are about: the last one for what the file's end lacks."""
    lines = text.splitlines() or [""]
    found = re.search(r" \(at line (\d+), column \d+\)", message)
    number = int(found[1]) if found else len(lines)
    reason = re.sub(r" \(at .*\)", "", message)
    return ConfigError(f"{path.name}, line {number}", lines[number - 1].strip(), f"TOML ({reason})")


def _resolve(raw: Any, key: str, folder: Path, environment: Mapping[str, str]) -> Any:
    """`raw` with every `{ env = "NAME" }` and `{ file = "PATH" }` in it replaced by the secret."""
    if isinstance(raw, list):
        return [_resolve(value, f"{key}[{i}]", folder, environment) for i, value in enumerate(raw)]
    if not isinstance(raw, dict):
        return raw
    if len(raw) == 1 and isinstance(name := raw.get("env"), str):
        return _from_environment(name, key, environment)
    if len(raw) == 1 and isinstance(name := raw.get("file"), str):
        return _from_file(folder / name, key)
    return {inner: _resolve(value, f"{key}.{inner}", folder, environment) for inner, value in raw.items()}


def _from_environment(name: str, key: str, environment: Mapping[str, str]) -> Secret:
    if not environment.get(name):
        raise ConfigError(f"{key}.env", name, "the name of an environment variable that is set")
    return Secret(environment[name])


def _from_file(path: Path, key: str) -> Secret:
    try:
        return Secret(path.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{key}.file", str(path), f"a file that can be read ({reason})") from None


def _converted(raw: Mapping[str, Any], folder: Path) -> Config:
    models = raw.get("models")
    if not isinstance(models, dict) or not models:
        raise ConfigError("models", models, "at least one model, as in [models.credit]")
    config = convert(
        {**raw, "models": {name: _model(name, model, folder) for name, model in models.items()}}, Config, ""
    )
    given = {name: path for name in tls.FILES if (path := getattr(config.broker, name)) is not None}
    beside = {name: str(folder / path) for name, path in given.items()}
    return replace(config, broker=replace(config.broker, **beside))


def _model(name: str, raw: object, folder: Path) -> Model:
    model = convert(raw, Model, f"models.{name}")
    if isinstance(model.baseline, str):
        model = replace(model, baseline=str(folder / model.baseline))
    return replace(model, columns=columns(model)) if model.columns else model


def columns(model: Model) -> Columns:
    """The model's mapping, in which what it declares is in columns of its own name unless mapped.

    >>> columns(Model(positive=[1], attributes=["sex"], columns=Columns(id="case"))).attributes
    {'sex': 'sex'}
    """
    given = model.columns or Columns()
    parts = [p for a in model.attributes for p in ([a] if isinstance(a, str) else a)]
    return replace(
        given,
        attributes={part: part for part in parts} | given.attributes,
        slices={name: name for name in model.slices} | given.slices,
        features={name: name for name in model.features} | given.features,
    )


def check_broker(broker: Broker, key: str = "broker.url") -> None:
    """Raises ConfigError for an address that is none, or for half of what TLS or SASL need."""
    if not BROKERS.fullmatch(broker.url):
        raise ConfigError(key, broker.url, "kafka://host:port, more of them behind commas")
    for name in ("partitions", "most_held"):
        if getattr(broker, name) < 1:
            raise ConfigError(f"broker.{name}", getattr(broker, name), "1 or more")
    for field in (*tls.FILES, "ssl_password"):
        if getattr(broker, field) is not None and "SSL" not in broker.security_protocol:
            allowed = "given with the security_protocol SSL or SASL_SSL only"
            raise ConfigError(f"broker.{field}", "…", allowed)
    for field in ("ssl_keyfile", "ssl_password"):
        if getattr(broker, field) is not None and broker.ssl_certfile is None:
            raise ConfigError(f"broker.{field}", "…", "given with ssl_certfile only")
    for field in ("sasl_mechanism", "sasl_username", "sasl_password"):
        given = getattr(broker, field) is not None
        if given != broker.security_protocol.startswith("SASL"):
            allowed = "given with the security_protocol SASL_SSL or SASL_PLAINTEXT, and only then"
            raise ConfigError(f"broker.{field}", "…" if given else None, allowed)


def _check_topics(config: Config) -> None:
    broker = config.broker
    taken = {broker.decisions, broker.feedback, broker.invalid}
    for name, model in config.models.items():
        if model.topic is None:
            continue
        key = f"models.{name}.topic"
        if model.columns is None:
            raise ConfigError(key, model.topic, f"with the table [models.{name}.columns], which explains it")
        if model.columns.time == ROW:
            raise ConfigError(f"models.{name}.columns.time", ROW, "a field of the objects of the topic")
        if not TOPIC.fullmatch(model.topic) or model.topic in taken:
            raise ConfigError(key, model.topic, "the name of a topic that nothing else uses")
        taken.add(model.topic)


def _check_ingest(ingest: Ingest) -> None:
    _check_token(ingest.token, "ingest.token")
    if ingest.max_body < 1:
        raise ConfigError("ingest.max_body", ingest.max_body, "1 or more")


def _check_token(token: Secret | None, key: str) -> None:
    if token is not None and not TOKEN.fullmatch(token.value):
        raise ConfigError(key, "…", "a secret of 16 or more letters, digits and any of -._~+/")


def _check_addresses(config: Config) -> None:
    if not 0 <= config.http.port <= 65_535:
        raise ConfigError("http.port", config.http.port, "1 to 65535, or 0 for any free one")
    if (config.http.user is None) != (config.http.password is None):
        allowed = "both or neither of user and password"
        raise ConfigError("http.user", config.http.user, allowed)
    link = urlsplit(config.alerts.link)
    if config.alerts.link and (link.scheme not in ("http", "https") or not link.netloc):
        raise ConfigError(
            "alerts.link", config.alerts.link, "an address that begins with https:// or http://"
        )
    try:
        Budget.parse(config.alerts.false_alarms)
    except ValueError:
        allowed = "a positive number per day, week, month or year, as in '1 per year'"
        raise ConfigError("alerts.false_alarms", config.alerts.false_alarms, allowed) from None
