"""A partition's steps, all at once."""

from streams.bundles import Bundle
from streams.partition import Partition, Taken


def take(state: Partition, bundle: Bundle) -> Taken:
    """What a bundle leaves."""
    steps = state.take(bundle)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            taken: Taken = done.value
            return taken
