"""What a connection to Kafka trusts, and what it shows of itself: the files of `[broker]`."""

import ssl
from pathlib import Path

from monitor.config import Broker, ConfigError

FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")


def context(broker: Broker) -> ssl.SSLContext | None:
    """None where there is no TLS. Raises ConfigError for a file that cannot be read, or does not fit."""
    if "SSL" not in broker.security_protocol:
        return None
    for field in FILES:
        _require_file(field, getattr(broker, field))
    made = _trusting("ssl_cafile", broker.ssl_cafile)
    if broker.ssl_certfile is not None:
        _trusting("ssl_certfile", broker.ssl_certfile)  # says whether certificates are in it
        _show(made, broker, broker.ssl_certfile)
    return made


def _require_file(field: str, path: str | None) -> None:
    try:
        if path is not None:
            Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"broker.{field}", path, f"a file that can be read ({error.strerror})") from None


def _trusting(field: str, path: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ConfigError(f"broker.{field}", path, "a file of certificates, as PEM") from None


def _show(made: ssl.SSLContext, broker: Broker, certificate: str) -> None:
    """An empty password rather than none, for which Python would ask at the terminal."""
    password = broker.ssl_password.value if broker.ssl_password else ""
    try:
        made.load_cert_chain(certificate, broker.ssl_keyfile, password)
    except ssl.SSLError as error:
        reason = (error.reason or "none can be read").replace("_", " ").lower()
        place = "" if broker.ssl_keyfile else ", unless it is in ssl_certfile itself"
        allowed = f"the key of ssl_certfile, as PEM, which ssl_password opens ({reason}){place}"
        raise ConfigError("broker.ssl_keyfile", broker.ssl_keyfile, allowed) from None
