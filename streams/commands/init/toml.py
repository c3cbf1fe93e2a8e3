"""Values and comments as TOML spells them; the standard library only reads it."""

import json
import re
import textwrap
from collections.abc import Mapping

WIDTH = 100


def toml(value: object) -> str:
    """A value in TOML.

    >>> toml(["a", 1, True, ["b"]]), toml({"a b": "c"})
    ('["a", 1, true, ["b"]]', '{ "a b" = "c" }')
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key(name)} = {toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml(name)


def comment(text: str) -> list[str]:
    """Text as lines of comment."""
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH)]
