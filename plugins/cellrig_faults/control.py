"""Faults over the control face: the verbs of `rig.faults` as JSON."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from cellrig import errors as domain
from cellrig.driver import errors as drivers
from cellrig.errors import CellrigError, NotFound
from cellrig.http.calls import Answer, Call
from cellrig.http.rig.table import control_route
from cellrig.http.routes import Route
from cellrig_faults.checks import suggestion
from cellrig_faults.errors import InvalidFault
from cellrig_faults.hold import Hold
from cellrig_faults.rule import Rule

if TYPE_CHECKING:
    from cellrig_faults.faults import Faults

_TEXT = {"type": "string", "minLength": 1, "maxLength": 255}
_NUMBER = {"type": "integer", "minimum": 1, "maximum": 10**9}

#: The verbs, each with what it needs besides a seam.
_VERBS: dict[str, tuple[str, ...]] = {
    "fail": (),
    "fail_after": (),
    "delay": ("seconds",),
    "hold": (),
    "drop_reply": (),
    "deliver_twice": (),
    "crash_before": (),
    "crash_after": (),
    "take_down_at": ("database",),
    "bring_back_at": ("database",),
}
_WHERE = ("host", "cell", "server", "service", "nth", "from_nth", "times", "probability")

_FAULT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "do": {"enum": list(_VERBS)},
        "seam": _TEXT,
        "seconds": {"type": "number", "minimum": 0, "maximum": 10**9},
        "database": _TEXT,
        "error": {
            "type": "object",
            "properties": {
                "type": _TEXT,
                "args": {"type": "array", "items": {"type": "string"}, "maxItems": 9},
            },
            "required": ["type"],
            "additionalProperties": False,
        },
        "host": _TEXT,
        "cell": _TEXT,
        "server": _TEXT,
        "service": _TEXT,
        "nth": _NUMBER,
        "from_nth": _NUMBER,
        "times": _NUMBER,
        "probability": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    },
    "required": ["do", "seam"],
    "additionalProperties": False,
    "allOf": [
        {"if": {"properties": {"do": {"const": verb}}}, "then": {"required": list(needs)}}
        for verb, needs in _VERBS.items()
        if needs
    ],
}
_BODY = {
    "type": "object",
    "properties": {"fault": _FAULT},
    "required": ["fault"],
    "additionalProperties": False,
}


class SetFault(msgspec.Struct, frozen=True):
    """A fault that was set over the control face, and the hold that it may be."""

    rule: Rule
    hold: Hold | None = None


class FaultControl:
    """The routes below ``/rig/faults``, and the faults that were set there, by number.

    Args:
        faults: the rig's.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._set: dict[str, SetFault] = {}

    def routes(self) -> tuple[Route[Any], ...]:
        """Return what can be asked for."""
        one = "/faults/{fault_id}"
        return (
            control_route("GET", "/faults", self.index),
            control_route("POST", "/faults", self.create, 201, body=_BODY),
            control_route("DELETE", "/faults", self.clear, 204),
            control_route("GET", one, self.show),
            control_route("POST", f"{one}/release", self.release, 204),
            control_route("DELETE", one, self.delete, 204),
        )

    def forget(self) -> None:
        """Clear everything, also what was not set here."""
        self._faults.clear()
        self._set.clear()

    def index(self, _call: Call[Any]) -> Answer:
        """List the faults that were set here, with how often each has fired."""
        return Answer(body={"faults": [self._told(id_) for id_ in self._set]})

    def create(self, call: Call[Any]) -> Answer:
        """Set a fault: what to do to the calls that pass a seam, which may be a glob."""
        asked = call.body["fault"]
        where = {name: asked[name] for name in _WHERE if name in asked}
        made = self._verb(asked)(**where)
        kept = SetFault(made.rule, made) if isinstance(made, Hold) else SetFault(made)
        id_ = call.new_uuid()
        self._set[id_] = kept
        return Answer(201, {"fault": self._told(id_)}, location=f"{call.base}/faults/{id_}")

    def show(self, call: Call[Any]) -> Answer:
        """Show a fault, with how often it has fired and on which calls."""
        return Answer(body={"fault": self._told(self._known(call))})

    def release(self, call: Call[Any]) -> Answer:
        """Let what a hold keeps go on."""
        id_ = self._known(call)
        hold = self._set[id_].hold
        if hold is None:
            raise InvalidFault(f"fault {id_} holds nothing: only a hold is released")
        hold.release()
        return Answer(204)

    def delete(self, call: Call[Any]) -> Answer:
        """End a fault."""
        kept = self._set.pop(self._known(call))
        if kept.hold is not None:
            kept.hold.release()
        kept.rule.clear()
        return Answer(204)

    def clear(self, _call: Call[Any]) -> Answer:
        """End all faults."""
        self.forget()
        return Answer(204)

    def _verb(self, asked: dict[str, Any]) -> Callable[..., Rule | Hold]:
        verb: Callable[..., Rule | Hold] = getattr(self._faults, asked["do"])
        needs = [asked[name] for name in _VERBS[asked["do"]]]
        if "error" in asked:
            if not asked["do"].startswith("fail"):
                raise InvalidFault(f"{asked['do']} takes no error: fail and fail_after do")
            needs.append(_error(asked["error"]))
        return lambda **where: verb(asked["seam"], *needs, **where)

    def _known(self, call: Call[Any]) -> str:
        id_ = call.parameters["fault_id"]
        if id_ not in self._set:
            raise NotFound("fault", id_)
        return id_

    def _told(self, id_: str) -> dict[str, Any]:
        kept = self._set[id_]
        return {
            "id": id_,
            "fault": str(kept.rule),
            "matched": kept.rule.matched,
            "fired": kept.rule.fired,
            "released": None if kept.hold is None else kept.hold.is_released,
            "calls": [f"{passed.seam} #{passed.nth}" for passed in kept.rule.passages[-100:]],
        }


def _error(asked: dict[str, Any]) -> Exception:
    """Return an error by the name of its type, one that services or drivers raise."""
    known = {
        name: kind
        for module in (domain, drivers)
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, CellrigError)
    }
    if asked["type"] not in known:
        hint = suggestion(asked["type"], known)
        raise InvalidFault(f"there is no error {asked['type']!r} of services or drivers{hint}")
    error: Exception = known[asked["type"]](*asked.get("args", ()))
    return error
