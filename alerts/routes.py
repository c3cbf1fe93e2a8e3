"""Who is told of which alert: from the configuration to destinations such as "slack:risk"."""

from collections.abc import Iterable, Mapping
from typing import Any

from alerts import notifiers
from alerts.alert import Alert
from alerts.notifier import Sender
from monitor.config import Config, ConfigError, Match, convert

CONSOLE = "console"


def route(config: Config, alert: Alert) -> list[str]:
    """The alert's destinations: those of the first route that matches, else the console."""
    routes = (found.to for found in config.alerts.routes if matches(found.match, alert))
    return list(dict.fromkeys(next(routes, [CONSOLE])))


def matches(match: Match, alert: Alert) -> bool:
    """Whether a route takes the alert; what is None matches all."""
    return (
        match.model in (None, alert.model)
        and match.severity in (None, alert.severity)
        and match.rule in (None, alert.rule)
    )


def build(config: Config) -> dict[str, Sender]:
    """Every destination that the configuration names or describes, and the console.

    Raises ConfigError for a kind or a name that does not exist, and for settings that are not allowed.
    """
    described = {
        f"{kind}:{name}": _notifier(kind, settings, f"notifiers.{kind}.{name}")
        for kind, named in config.notifiers.items()
        for name, settings in named.items()
    }
    plain = {kind: _notifier(kind, {}, f"notifiers.{kind}") for kind in _plain_kinds(config)}
    _check_routes(config, [*described, *plain])
    return {**described, **plain}


def _notifier(kind: str, settings: Mapping[str, Any], key: str) -> Sender:
    if kind not in notifiers.kinds():
        raise ConfigError(f"notifiers.{kind}", kind, _one_of(notifiers.kinds()))
    module = notifiers.load(kind)
    notifier: Sender = module.Notifier(convert(settings, module.Settings, key), key)
    return notifier


def _plain_kinds(config: Config) -> list[str]:
    """Kinds that routes name alone, without a name: they must do without settings, as the console does."""
    named = (destination for found in config.alerts.routes for destination in found.to)
    return list(dict.fromkeys([CONSOLE, *(word for word in named if word in notifiers.kinds())]))


def _check_routes(config: Config, known: list[str]) -> None:
    for i, found in enumerate(config.alerts.routes):
        if not found.to:
            raise ConfigError(f"alerts.routes[{i}].to", found.to, _one_of(known))
        for j, destination in enumerate(found.to):
            if destination not in known:
                raise ConfigError(f"alerts.routes[{i}].to[{j}]", destination, _one_of(known))


def _one_of(words: Iterable[str]) -> str:
    return "one of " + ", ".join(sorted(words))
