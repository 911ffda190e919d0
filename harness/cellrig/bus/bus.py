"""Calls and casts between services, in one process, with the manners of a real message bus.

A message is bytes. A server has a queue by its topic; messages for a server that is down wait in
the queue until it is back, a caller waits no longer than its deadline, and what a process was
handling when it died is lost. A call expires with its caller's patience, as the field's bus has
it: it is not begun afterwards, and no wait inside its handler lasts longer, so that nothing happens
behind the back of a caller who has been told that it did not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from cellrig.bus.codec import (
    Method,
    decode_error,
    encode_error,
    encode_result,
    method_of,
)
from cellrig.errors import MessagingTimeout
from cellrig.runtime import DeadlineExceeded, Event, Runtime
from cellrig.seams import Process, Seams

T = TypeVar("T")

#: Seconds that a call waits for its reply, the field's ``rpc_response_timeout``.
RESPONSE_TIMEOUT = 60.0


def topic_of(service: str, server: str | None = None, part: str = "") -> str:
    """Return the name of a queue, for example ``conductor.cell1.instance``."""
    return ".".join(name for name in (service, server, part) if name)


class Message(msgspec.Struct, frozen=True):
    """One call or cast, as it lies in a queue.

    Args:
        topic: whose queue, for example ``compute.cell1-host1``.
        method: the interface's method.
        arguments: encoded.
        reply_to: the number under which the caller waits; None for a cast.
        expires: when the caller has given up; of a call only.
    """

    topic: str
    method: str
    arguments: bytes
    reply_to: int | None = None
    expires: float = 0.0


class _Reply:
    __slots__ = ("error", "event", "result")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.result: bytes | None = None
        self.error: bytes | None = None


class _Server:
    __slots__ = ("interface", "process", "target")

    def __init__(self, interface: type, target: object, process: Process) -> None:
        self.interface = interface
        self.target = target
        self.process = process


class Bus:
    """The message bus of one rig."""

    def __init__(self, runtime: Runtime, seams: Seams) -> None:
        self._runtime = runtime
        self._seams = seams
        self._servers: dict[str, _Server] = {}
        self._queues: dict[str, deque[Message]] = {}
        self._replies: dict[int, _Reply] = {}
        self._sequence = 0

    def serve(self, topic: str, interface: type, target: object, process: Process) -> None:
        """Let `target` answer what is sent to `topic`, in tasks of `process`, until that dies."""
        server = _Server(interface, target, process)
        self._servers[topic] = server
        process.at_death(lambda: self._leave(topic, server))
        for message in self._queues.pop(topic, ()):
            self._deliver(message)

    def _leave(self, topic: str, server: _Server) -> None:
        if self._servers.get(topic) is server:
            del self._servers[topic]

    def client(
        self,
        interface: type[T],
        service: str,
        process: Process,
        server: str | None = None,
        part: str = "",
    ) -> T:
        """Return a stand-in for the service on the other side, typed as its interface.

        Args:
            interface: what the service answers; its methods marked `cast` are not waited for.
            service: the first part of the topic and of the seams' names (``bus.compute.*``).
            process: who calls.
            server: the host or cell whose service is meant.
            part: one of several things that the service answers for; its name precedes the
                methods' in the seams (``bus.conductor.instance_update``).
        """
        stub: Any = _Stub(self, interface, topic_of(service, server, part))
        prefix = f"bus.{service}.{part}_" if part else f"bus.{service}."
        wrapped: T = self._seams.wrap(prefix, stub, process, to=server)
        return wrapped

    def has_server(self, topic: str) -> bool:
        """Whether somebody answers `topic` now."""
        return topic in self._servers

    def queued(self) -> list[Message]:
        """Return the messages that wait for a server that is down."""
        return [message for queue in self._queues.values() for message in queue]

    def purge(self) -> None:
        """Forget all messages that wait, as a message bus without lasting queues restarts."""
        self._queues.clear()

    def restore(self, messages: list[Message]) -> None:
        """Let `messages` be what waits, and nothing else."""
        self._queues.clear()
        for message in messages:
            self._queues.setdefault(message.topic, deque()).append(message)

    def send(self, topic: str, method: Method, arguments: bytes) -> None:
        """Put a cast into the queue of `topic`."""
        self._deliver(Message(topic, method.name, arguments))

    def call(self, topic: str, method: Method, arguments: bytes) -> Any:
        """Send a call and wait for its reply."""
        self._sequence += 1
        number = self._sequence
        reply = _Reply(self._runtime.event(f"reply to {topic}.{method.name}"))
        self._replies[number] = reply
        try:
            with self._runtime.deadline(RESPONSE_TIMEOUT, f"reply to {topic}.{method.name}"):
                expires = self._runtime.now() + RESPONSE_TIMEOUT
                self._deliver(Message(topic, method.name, arguments, number, expires))
                reply.event.wait()
        except DeadlineExceeded as error:
            raise MessagingTimeout(method.name, topic, RESPONSE_TIMEOUT) from error
        finally:
            del self._replies[number]
        if reply.error is not None:
            raise decode_error(reply.error)
        assert reply.result is not None  # noqa: S101 - one of the two is set before the event
        return method.decode_result(reply.result)

    def _deliver(self, message: Message) -> None:
        server = self._servers.get(message.topic)
        if server is None:
            self._queues.setdefault(message.topic, deque()).append(message)
            return
        self._runtime.spawn(
            lambda: self._handle(server, message),
            name=f"{message.topic}.{message.method}",
            owner=server.process,
        )

    def _handle(self, server: _Server, message: Message) -> None:
        method = method_of(server.interface, message.method)
        handler: Callable[..., Any] = getattr(server.target, message.method)
        if message.reply_to is None:
            handler(*method.decode_arguments(message.arguments))
            return
        patience = message.expires - self._runtime.now()
        if patience <= 0 or message.reply_to not in self._replies:
            return
        result = failure = None
        try:
            with self._runtime.deadline(patience, f"the caller of {message.method}"):
                result = encode_result(handler(*method.decode_arguments(message.arguments)))
        except Exception as error:  # noqa: BLE001 - every error of a call is the caller's
            failure = encode_error(error)
            self._seams.handled(error, "sent to the caller")
        reply = self._replies.get(message.reply_to)
        if reply is not None:  # else the caller has given up
            reply.result, reply.error = result, failure
            reply.event.set()


class _Stub:
    """Turns method calls into messages; what `Seams.wrap` then wraps."""

    def __init__(self, bus: Bus, interface: type, topic: str) -> None:
        self._bus = bus
        self._interface = interface
        self._topic = topic

    def __getattr__(self, name: str) -> Any:
        method = method_of(self._interface, name)
        bus, topic = self._bus, self._topic
        act = bus.send if method.is_cast else bus.call

        def sending(*args: Any, **kwargs: Any) -> Any:
            return act(topic, method, method.encode_arguments(args, kwargs))

        sending.__wrapped__ = getattr(self._interface, name)  # type: ignore[attr-defined]
        setattr(self, name, sending)
        return sending
