"""Seams: every named call site between two parts of the cloud.

A call to a driver, to placement, over the bus or to a cell's database passes a seam. Passing one
announces the call and its outcome to the plugins, lets a plugin fail, delay, repeat or crash it,
and is where the runtime may let another task run. There is no second mechanism for faults,
tracing or fuzzing.

A part does not pass a seam by itself. It is handed its partner already wrapped (`Seams.wrap`),
typed as the partner, and calls methods as usual.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast

import msgspec
import pluggy

from cellrig.errors import CellrigError, Conflict, Forbidden, Invalid, NotFound
from cellrig.runtime import Runtime, TaskKilled

T = TypeVar("T")

#: Seconds between the attempts of `Seams.insist`.
INSIST_PAUSES = (1.0, 2.0, 4.0)

#: What is an answer, and would be the same the next time. Not so the kinds of conflict that tell of
#: a race.
_ANSWERS = (Invalid, Forbidden, NotFound, Conflict)


class Process:
    """One running process of a service: what crashes as a whole, and what owns tasks.

    After a restart the service runs in a new Process.

    Args:
        service: the kind of service, for example ``compute``.
        host: the host that it runs on, where it has one.
        cell: the cell that it belongs to, where it belongs to one.
    """

    def __init__(self, service: str, host: str | None = None, cell: str | None = None) -> None:
        self.service = service
        self.host = host
        self.cell = cell
        self.crashed = False
        self._at_death: list[Callable[[], None]] = []

    @property
    def label(self) -> str:
        """How reports call the process."""
        place = self.host or self.cell
        return f"{self.service}@{place}" if place else self.service

    def at_death(self, action: Callable[[], None]) -> None:
        """Call `action` when the process dies."""
        self._at_death.append(action)

    def crash(self) -> None:
        """Die at once: nothing that it was doing goes on, nothing is cleaned up."""
        if not self.crashed:
            self.crashed = True
            for action in self._at_death:
                action()


class Call(msgspec.Struct, frozen=True):
    """A call site: what all passages of one seam by one process have in common.

    Args:
        seam: the name, ``driver.spawn`` or ``db.cell1.instance_update``.
        process: the process that makes the call.
        to: the host or cell that the call goes to, where the name does not tell.
        function: what is called.
    """

    seam: str
    process: Process
    to: str | None
    function: Callable[..., Any]

    @property
    def definition(self) -> Callable[..., Any]:
        """The function as it stands in the code, the same for every rig."""
        function = self.function
        defined: Any = getattr(function, "__wrapped__", None) or getattr(
            function, "__func__", function
        )
        return cast("Callable[..., Any]", defined)


class Passage:
    """One call on its way through a seam.

    Attributes:
        call: where it is made.
        args, kwargs: what it is made with.
        times: how often the call is made; a plugin that sets 2 delivers it twice.
        result, error: the outcome, when the call has returned; a plugin that sets an error then
            lets the call have failed.
    """

    __slots__ = ("_server_place", "args", "call", "error", "kwargs", "result", "times")

    def __init__(
        self,
        call: Call,
        server_place: tuple[int, str] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.call = call
        self._server_place = server_place
        self.args = args
        self.kwargs = kwargs
        self.times = 1
        self.result: Any = None
        self.error: BaseException | None = None

    @property
    def seam(self) -> str:
        """The seam's name."""
        return self.call.seam

    @property
    def process(self) -> Process:
        """The process that makes the call."""
        return self.call.process

    @property
    def to(self) -> str | None:
        """The host or cell that the call goes to, where the seam's name does not tell."""
        return self.call.to

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments by parameter name."""
        names = _parameter_names(self.call.definition)
        return {**dict(zip(names, self.args, strict=False)), **self.kwargs}

    @property
    def host(self) -> str | None:
        """The host that the call is made on or goes to."""
        return self.process.host or self.to

    @property
    def server(self) -> str | None:
        """The uuid of the server that the call is about, where it is about one."""
        if self._server_place is None:
            return None
        index, name = self._server_place
        value = self.args[index] if index < len(self.args) else self.kwargs.get(name)
        if value is None or isinstance(value, str):
            return value
        uuid = getattr(value, "instance_uuid", None) or getattr(value, "uuid", None)
        return None if uuid is None else str(uuid)


#: Parameters that hold a server's uuid, or something that has one.
_SERVER_PARAMETERS = frozenset(
    {"instance_uuid", "consumer_uuid", "instance", "guest", "server", "build", "fault", "step"}
)


@lru_cache(maxsize=4096)
def _parameter_names(definition: Callable[..., Any]) -> tuple[str, ...]:
    names = tuple(inspect.signature(definition).parameters)
    return names[1:] if names and names[0] == "self" else names


@lru_cache(maxsize=4096)
def _server_place(definition: Callable[..., Any]) -> tuple[int, str] | None:
    """Return the position and the name of the parameter that tells the server."""
    for index, name in enumerate(_parameter_names(definition)):
        if name in _SERVER_PARAMETERS:
            return index, name
    return None


class _Wrapped:
    """Stands in for a part; each method, when first used, becomes a call through a seam."""

    def __init__(
        self, seams: Seams, prefix: str, target: object, process: Process, to: str | None
    ) -> None:
        self.__dict__["_cellrig_parts"] = (seams, prefix, target, process, to)

    def __getattr__(self, name: str) -> Any:
        seams, prefix, target, process, to = self.__dict__["_cellrig_parts"]
        attribute = getattr(target, name)
        if name.startswith("_") or not callable(attribute):
            return attribute
        call = Call(f"{prefix}{name}", process, to, attribute)
        place = _server_place(call.definition)

        def passing(*args: Any, **kwargs: Any) -> Any:
            return seams.make(call, place, args, kwargs)

        self.__dict__[name] = passing
        return passing


class _Listeners:
    """Who implements one of the two hooks of seams.

    Every boot passes some forty seams. Plain implementations are called directly, in pluggy's
    order; where one wraps the others, pluggy does it.
    """

    __slots__ = ("_functions", "_hook")

    def __init__(self, hook: pluggy.HookCaller) -> None:
        self._hook = hook
        self._functions: list[Callable[..., object]] | None = []

    def look(self) -> bool:
        """See who is there now; return whether anybody is."""
        impls = self._hook.get_hookimpls()
        plain = all(
            impl.argnames == ("passage",) and not (impl.wrapper or impl.hookwrapper)
            for impl in impls
        )
        self._functions = [impl.function for impl in reversed(impls)] if plain else None
        return bool(impls)

    def tell(self, passage: Passage) -> None:
        """Announce a passage to all."""
        if self._functions is None:
            self._hook(passage=passage)
            return
        for function in self._functions:
            function(passage)


class Plugins(Protocol):
    """What seams need of a plugin manager: its hooks, and a number that grows as plugins change."""

    generation: int

    @property
    def hook(self) -> pluggy.HookRelay:
        """The hooks, by name."""


class Seams:
    """The seams of one rig."""

    def __init__(self, runtime: Runtime, plugins: Plugins) -> None:
        self._plugins = plugins
        self._generation = -1
        self._listening = False
        self._switch = runtime.switch
        self._sleep = runtime.sleep
        self._enter = _Listeners(plugins.hook.cellrig_seam_enter)
        self._exit = _Listeners(plugins.hook.cellrig_seam_exit)
        self._handled = plugins.hook.cellrig_error_handled

    def wrap(self, prefix: str, target: T, process: Process, to: str | None = None) -> T:
        """Return a stand-in for `target` whose every method call passes a seam.

        Args:
            prefix: what the seams' names begin with, separator included (``driver.``).
            target: the part that is called.
            process: who calls.
            to: the host or cell on the other side, where it matters to those who listen.
        """
        return cast(T, _Wrapped(self, prefix, target, process, to))

    def make(
        self,
        call: Call,
        server_place: tuple[int, str] | None,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Make one call through a seam. A crashed process gets no further: its task ends here."""
        process = call.process
        if process.crashed:
            raise TaskKilled
        self._switch(call.seam)
        if process.crashed:
            raise TaskKilled
        if self._generation != self._plugins.generation:
            self._generation = self._plugins.generation
            self._listening = self._enter.look() | self._exit.look()
        if not self._listening:
            return call.function(*args, **kwargs)
        passage = Passage(call, server_place, args, kwargs)
        try:
            self._enter.tell(passage)
            for _time in range(passage.times):
                passage.result = call.function(*args, **kwargs)
        except BaseException as error:
            passage.error = error
            self._exit.tell(passage)
            if passage.error is not error and passage.error is not None:
                raise passage.error from error
            raise
        self._exit.tell(passage)
        if passage.error is not None:
            raise passage.error
        return passage.result

    def handled(self, error: BaseException, because: str) -> None:
        """Say that `error` has been dealt with and will not be raised again.

        Every `except` that ends an error calls this, so that nothing is swallowed unseen.

        Args:
            error: what was caught.
            because: in a few words, what was done about it.
        """
        self._handled(error=error, because=because)

    def insist(self, action: Callable[[], T], what: str) -> T:
        """Do what gives something back, again after a while if it fails.

        For clean-up only: an operation that fails is undone, not repeated, but what undoes it must
        not be lost to one bad moment of a database or of the bus.

        Args:
            action: harmless when done twice.
            what: in a few words, for the report.

        Raises:
            CellrigError: the last failure, when all attempts have failed.
        """
        for pause in INSIST_PAUSES:
            try:
                return action()
            except CellrigError as error:
                if type(error) in _ANSWERS:
                    raise
                self.handled(error, f"{what}: tried again in {pause:g} s")
                self._sleep(pause)
        return action()
