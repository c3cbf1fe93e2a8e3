"""What is measured and judged. Pure: no I/O, no clock, no asyncio, no Kafka. Time is an argument."""

from monitor.monitor import Monitor

__all__ = ["Monitor"]
