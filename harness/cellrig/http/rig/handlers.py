"""The calls of the control face that every rig has; plugins add theirs."""

from __future__ import annotations

from typing import Any

import msgspec

from cellrig.errors import NotFound
from cellrig.http.calls import Answer, Call
from cellrig.http.rig.control import Control

# -- states -------------------------------------------------------------------------------------


def reset(call: Call[Control]) -> Answer:
    """Let the rig be what it was when it was ready. Faults end, holds are released.

    Tokens that were issued since hold no longer. The clock goes on.
    """
    call.service.reset()
    return Answer(204)


def list_snapshots(call: Call[Control]) -> Answer:
    """List the names of the snapshots that are kept."""
    return Answer(body={"snapshots": [{"name": name} for name in call.service.snapshots]})


def take_snapshot(call: Call[Control]) -> Answer:
    """Keep all of the rig under a name: databases, hypervisors, services."""
    call.service.take(call.parameters["name"])
    return Answer(204)


def restore_snapshot(call: Call[Control]) -> Answer:
    """Go back to a snapshot. Faults stay as they are, and so does the clock."""
    call.service.restore(call.parameters["name"])
    return Answer(204)


def delete_snapshot(call: Call[Control]) -> Answer:
    """Let go of a snapshot."""
    call.service.forget(call.parameters["name"])
    return Answer(204)


# -- the clock ----------------------------------------------------------------------------------


def show_clock(call: Call[Control]) -> Answer:
    """Show the time on the rig's clock, in seconds since the epoch."""
    return Answer(body={"clock": {"now": call.service.rig.runtime.now()}})


def advance_clock(call: Call[Control]) -> Answer:
    """Let seconds pass at once: periodic work, timeouts and all that falls due on the way."""
    call.service.advance(float(call.body["seconds"]))
    return show_clock(call)


# -- what the rig is made of --------------------------------------------------------------------


def show_topology(call: Call[Control]) -> Answer:
    """Show what the rig was built from, in the form that a topology's file has."""
    return Answer(body={"topology": msgspec.to_builtins(call.service.rig.topology)})


def list_services(call: Call[Control]) -> Answer:
    """List the services with whether they run."""
    return Answer(body={"services": [_service(call, each) for each in _labels(call)]})


def crash_service(call: Call[Control]) -> Answer:
    """Let a service die where it stands."""
    label = _known(call)
    call.service.rig.crash(label)
    return Answer(body={"service": _service(call, label)})


def restart_service(call: Call[Control]) -> Answer:
    """Start a service again, after letting it die if it runs."""
    label = _known(call)
    call.service.rig.restart(label)
    return Answer(body={"service": _service(call, label)})


def list_databases(call: Call[Control]) -> Answer:
    """List the databases, each cell's among them, with why one takes no connections."""
    names = call.service.rig.databases
    return Answer(body={"databases": [_database(call, name) for name in names]})


def take_down_database(call: Call[Control]) -> Answer:
    """Take a database away: it refuses connections until it is brought back."""
    name = _known_database(call)
    call.service.rig.databases[name].take_down(call.body["reason"])
    return Answer(body={"database": _database(call, name)})


def bring_back_database(call: Call[Control]) -> Answer:
    """Let a database accept connections again."""
    name = _known_database(call)
    call.service.rig.databases[name].bring_back()
    return Answer(body={"database": _database(call, name)})


def _labels(call: Call[Control]) -> list[str]:
    return sorted(call.service.rig.cloud.processes)


def _known(call: Call[Control]) -> str:
    label = call.parameters["service"]
    if label not in call.service.rig.cloud.processes:
        raise NotFound("service", f"{label} (there are: {', '.join(_labels(call))})")
    return label


def _service(call: Call[Control], label: str) -> dict[str, Any]:
    return {"name": label, "running": not call.service.rig.cloud.processes[label].crashed}


def _known_database(call: Call[Control]) -> str:
    name, databases = call.parameters["database"], call.service.rig.databases
    if name not in databases:
        raise NotFound("database", f"{name} (there are: {', '.join(sorted(databases))})")
    return name


def _database(call: Call[Control], name: str) -> dict[str, Any]:
    return {"name": name, "refuses": call.service.rig.databases[name].refusal}
