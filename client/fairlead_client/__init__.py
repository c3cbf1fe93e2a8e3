"""The client of Fairlead: production apps tell what their models decide, and what came of it."""

from fairlead_client.emitter import DroppedEventError, Emitter
from fairlead_client.events import InvalidEventError
from fairlead_client.transport import Failure, Transport

__all__ = ["DroppedEventError", "Emitter", "Failure", "InvalidEventError", "Transport"]
