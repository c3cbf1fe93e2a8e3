"""What is measured and judged. Pure: no I/O, no clock, no asyncio, no Kafka. Time is an argument."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.monitor import Monitor

__all__ = ["Monitor"]


def __getattr__(name: str) -> object:
    """Monitor brings numpy and river with it; who reads a configuration alone should not wait for them."""
    if name == "Monitor":
        from monitor.monitor import Monitor

        return Monitor
    raise AttributeError(f"module 'monitor' has no attribute {name!r}")
