"""The services of block storage, and the room that its backends have.

A backend is a service ``cinder-volume`` on the host ``cellrig@<backend>``, with one pool of its
name: ``cellrig@<backend>#<backend>``. Beside them there is a ``cinder-scheduler``. What has been
disabled gets no new volumes; what is there goes on.
"""

from __future__ import annotations

import math

import msgspec
from sqlalchemy import func, select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import delete_by, insert_into
from cellrig.errors import Invalid
from cellrig.volume import tables
from cellrig.volume.checks import check_admin
from cellrig.volume.choosing import HOST, VOLUME_BINARY, host_of, pool_of
from cellrig.volume.errors import ServiceNotFound
from cellrig.volume.surroundings import Surroundings

SCHEDULER_BINARY = "cinder-scheduler"

_STATES = Statement(select(tables.services))
_USES = Statement(
    select(
        tables.volumes.c.backend,
        tables.volumes.c.project_id,
        func.count(),
        func.sum(tables.volumes.c.size),
    )
    .group_by(tables.volumes.c.backend, tables.volumes.c.project_id)
    .order_by(tables.volumes.c.backend, tables.volumes.c.project_id)
)
_SNAPSHOTS = Statement(
    select(
        tables.volumes.c.backend,
        tables.snapshots.c.project_id,
        func.count(),
        func.sum(tables.snapshots.c.size),
    )
    .select_from(
        tables.snapshots.join(tables.volumes, tables.snapshots.c.volume_id == tables.volumes.c.id)
    )
    .group_by(tables.volumes.c.backend, tables.snapshots.c.project_id)
)


class ServiceState(msgspec.Struct, frozen=True):
    """A service and what administrators have said of it.

    Args:
        host, binary: where it runs, and what it is.
        updated_at: when it was last heard of.
    """

    host: str
    binary: str
    updated_at: float
    disabled: bool = False
    disabled_reason: str | None = None
    frozen: bool = False


class HostUse(msgspec.Struct, frozen=True):
    """What a project has on a host; sizes in GiB."""

    volumes: int = 0
    volume_gb: int = 0
    snapshots: int = 0
    snapshot_gb: int = 0


class Pool(msgspec.Struct, frozen=True):
    """The room of a backend.

    Args:
        name: ``host@backend#pool``.
        total_gb, free_gb: infinity where there is no limit.
        allocated_gb: GiB of all its volumes.
    """

    name: str
    backend: str
    total_gb: float
    free_gb: float
    allocated_gb: int
    volumes: int
    multiattach: bool


class Hosts:
    """Services, hosts and pools; for administrators."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def all(self, context: RequestContext) -> list[ServiceState]:
        """Return all services: the scheduler, and one for each backend."""
        check_admin(context, "see block storage's services")
        with self._transaction() as transaction:
            return self._all(transaction)

    def _all(self, transaction: Transaction) -> list[ServiceState]:
        now = self._around.runtime.now()
        said = {
            (host, binary): ServiceState(host, binary, now, bool(off), reason, bool(frozen))
            for host, binary, off, reason, frozen, _at in transaction.all(_STATES)
        }
        hosts = [(HOST, SCHEDULER_BINARY)]
        hosts += [(host_of(name), VOLUME_BINARY) for name in self._around.backends]
        return [said.get(each, ServiceState(*each, now)) for each in hosts]

    def change(
        self,
        context: RequestContext,
        host: str,
        binary: str | None,
        *,
        disabled: bool | None = None,
        reason: str | None = None,
        frozen: bool | None = None,
    ) -> ServiceState:
        """Enable or disable a service, or freeze it; return it.

        Args:
            context: who asks.
            host, binary: which one; None for whichever is on the host.
            disabled, frozen: None leaves it as it is.
            reason: why it is disabled.

        Raises:
            ServiceNotFound: there is none.
        """
        check_admin(context, "change block storage's services")
        with self._transaction() as transaction:
            found = [
                each
                for each in self._all(transaction)
                if each.host == host and binary in (None, each.binary)
            ]
            if not found:
                raise ServiceNotFound(f"{binary or 'of block storage'} on host {host}")
            state = found[0]
            if disabled is not None:
                kept = reason if disabled else None
                state = msgspec.structs.replace(state, disabled=disabled, disabled_reason=kept)
            if frozen is not None:
                state = msgspec.structs.replace(state, frozen=frozen)
            _write(transaction, state)
        return state

    def pools(self, context: RequestContext) -> list[Pool]:
        """Return the room of each backend."""
        check_admin(context, "see block storage's pools")
        uses = self._uses()
        found = []
        for name, backend in self._around.backends.items():
            use = [each for (of, _project), each in uses.items() if of == name]
            allocated = sum(each.volume_gb for each in use)
            capacity = backend.driver.capacity_gb
            total = math.inf if capacity is None else capacity
            count = sum(each.volumes for each in use)
            several = backend.driver.multiattach
            found.append(
                Pool(pool_of(name), name, total, total - allocated, allocated, count, several)
            )
        return found

    def use(self, context: RequestContext, host: str) -> dict[str, HostUse]:
        """Return what each project has on a host.

        Raises:
            ServiceNotFound: there is no such host.
        """
        check_admin(context, "see block storage's hosts")
        names = {host_of(name): name for name in self._around.backends}
        if host not in names:
            raise ServiceNotFound(f"{VOLUME_BINARY} on host {host}")
        return {project: use for (of, project), use in self._uses().items() if of == names[host]}

    def _uses(self) -> dict[tuple[str, str], HostUse]:
        with self._transaction() as transaction:
            volumes, snapshots = transaction.all(_USES), transaction.all(_SNAPSHOTS)
        found = {
            (backend, project): HostUse(count, int(size))
            for backend, project, count, size in volumes
        }
        for backend, project, count, size in snapshots:
            known = found.get((backend, project), HostUse())
            found[backend, project] = msgspec.structs.replace(
                known, snapshots=count, snapshot_gb=int(size)
            )
        return found

    def backend_of(self, host: str) -> str:
        """Return the backend that a host or a pool is of.

        Raises:
            Invalid: there is none; names those that there are.
        """
        names = {host_of(name): name for name in self._around.backends}
        bare, _, pool = host.partition("#")
        if bare not in names or pool not in ("", names[bare]):
            told = ", ".join(pool_of(name) for name in self._around.backends)
            raise Invalid(f"there is no volume host {host!r}; there are: {told}")
        return names[bare]


def _write(transaction: Transaction, state: ServiceState) -> None:
    key = {"host": state.host, "binary_name": state.binary}
    transaction.run(delete_by(tables.services, *key), **key)
    transaction.run(
        insert_into(tables.services),
        **key,
        disabled=state.disabled,
        disabled_reason=state.disabled_reason,
        frozen=state.frozen,
        updated_at=state.updated_at,
    )
