"""How a call is written on the wire: arguments and results typed by the interface's own methods.

The interface classes (`cellrig.conductor.interface`, ...) are the schema. Arguments are encoded by
position and decoded into the types that the method declares, so a value of the wrong type fails at
the boundary and nothing is ever shared by reference.
"""

from __future__ import annotations

import builtins
import inspect
import traceback
import typing
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from cellrig.errors import CellrigError, RemoteError

_encode = msgspec.msgpack.encode


def cast(method: Callable[..., None]) -> Callable[..., None]:
    """Mark an interface's method as a cast: sent, and not waited for."""
    method.__cellrig_cast__ = True  # type: ignore[attr-defined]
    return method


class Method:
    """The wire form of one method of an interface."""

    def __init__(self, interface: type, name: str) -> None:
        function = getattr(interface, name)
        hints = typing.get_type_hints(function)
        signature = inspect.signature(function)
        self.name = name
        self.is_cast: bool = getattr(function, "__cellrig_cast__", False)
        self._signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        self._defaults = tuple(p.default for p in self._signature.parameters.values())
        self._required = self._defaults.count(inspect.Parameter.empty)
        types = tuple(hints[parameter] for parameter in self._signature.parameters)
        arguments = tuple[types] if types else tuple[()]  # type: ignore[valid-type]
        self._arguments = msgspec.msgpack.Decoder(arguments)
        self._result = msgspec.msgpack.Decoder(hints.get("return", None))

    def encode_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """Encode a call's arguments."""
        if kwargs or not self._required <= len(args) <= len(self._defaults):
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return _encode(tuple(bound.arguments.values()))
        return _encode(args + self._defaults[len(args) :])

    def decode_arguments(self, message: bytes) -> tuple[Any, ...]:
        """Decode them into the types that the method declares."""
        arguments: tuple[Any, ...] = self._arguments.decode(message)
        return arguments

    def decode_result(self, message: bytes) -> Any:
        """Decode a result."""
        return self._result.decode(message)


@lru_cache(maxsize=1024)
def method_of(interface: type, name: str) -> Method:
    """Return the wire form of an interface's method."""
    return Method(interface, name)


def encode_result(result: Any) -> bytes:
    """Encode what a method returned."""
    return _encode(result)


class EncodedError(msgspec.Struct, frozen=True):
    """An error on the wire: its type by name, its arguments, and its traceback as text."""

    module: str
    name: str
    args: bytes
    message: str
    traceback: str


def encode_error(error: BaseException) -> bytes:
    """Encode an error with its traceback."""
    kind = type(error)
    try:
        args = _encode(error.args)
    except (TypeError, ValueError, OverflowError):
        args = _encode((str(error),))
    told = "".join(traceback.format_exception(error))
    return _encode(EncodedError(kind.__module__, kind.__qualname__, args, str(error), told))


def decode_error(message: bytes) -> Exception:
    """Build the error anew: its own type where that is the field's or Python's, else RemoteError.

    The remote traceback is in the error's notes, where Python prints it.
    """
    encoded = msgspec.msgpack.decode(message, type=EncodedError)
    args = tuple(_frozen(value) for value in msgspec.msgpack.decode(encoded.args))
    kind = _error_type(encoded.module, encoded.name)
    error: Exception
    if kind is None:
        error = RemoteError(encoded.name, encoded.message)
    else:
        error = kind.__new__(kind)
        error.args = args
    error.add_note(f"remote traceback:\n{encoded.traceback}")
    return error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@lru_cache(maxsize=512)
def _error_type(module: str, name: str) -> type[Exception] | None:
    """Return the type that an error had on the other side, where it is the field's or Python's."""
    if module == "builtins":
        found = getattr(builtins, name, None)
        return found if isinstance(found, type) and issubclass(found, Exception) else None
    waiting: list[type[CellrigError]] = [CellrigError]
    while waiting:
        kind = waiting.pop()
        if (kind.__module__, kind.__qualname__) == (module, name):
            return kind
        waiting.extend(kind.__subclasses__())
    return None
