"""One file each: the file's name is the word that the configuration uses for it."""

import importlib
import pkgutil
from types import ModuleType


def kinds() -> list[str]:
    """All kinds of notifiers there are.

    >>> "slack" in kinds() and "email" in kinds()
    True
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(kind: str) -> ModuleType:
    """The file of a kind: its `Settings` and its `Notifier(settings, key)`."""
    return importlib.import_module(f"{__name__}.{kind}")
