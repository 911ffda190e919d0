"""Calls and casts between services: encoded, typed by interfaces, queued while a server is down."""

from cellrig.bus.bus import RESPONSE_TIMEOUT, Bus, Message, topic_of
from cellrig.bus.codec import cast

__all__ = ["RESPONSE_TIMEOUT", "Bus", "Message", "cast", "topic_of"]
