"""The frame of everything that is asked of a server: is it allowed, whose turn is it, who does it.

A task is begun by a compare-and-swap in the server's cell, so of two users only one gets through.
What could not be handed on is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from cellrig.compute.api.policy import check_unlocked
from cellrig.compute.api.servers import Servers, is_up
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.db import CellDatabase
from cellrig.db.hosts import COMPUTE
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.model import Instance, InstanceChanges, MigrationStatus, TaskState, VmState


class Tasks:
    """Begins tasks of servers.

    Args:
        around: the compute API's surroundings.
        servers: to find servers with.
    """

    def __init__(self, around: Surroundings, servers: Servers) -> None:
        self._around = around
        self._servers = servers

    def placed(self, context: RequestContext, server_id: str) -> tuple[CellDatabase, Instance]:
        """Return a server that is in a cell.

        Raises:
            NotFound: there is none.
            Conflict: it is still being scheduled.
        """
        cell, instance = self._servers.find(context, server_id)
        if cell is None:
            raise Conflict(f"server {server_id} is still being scheduled")
        return cell, instance

    def find(
        self,
        context: RequestContext,
        server_id: str,
        action: str,
        vm_states: Sequence[VmState],
    ) -> tuple[CellDatabase, Instance]:
        """Return a server that the caller may change, and that is in a state to do so.

        Raises:
            NotFound: there is none.
            Conflict: it is locked, still being scheduled, or in another state.
        """
        cell, instance = self.placed(context, server_id)
        check_unlocked(context, instance)
        check_states(instance, action, vm_states)
        return cell, instance

    def find_idle(
        self,
        context: RequestContext,
        server_id: str,
        action: str,
        vm_states: Sequence[VmState],
    ) -> tuple[CellDatabase, Instance]:
        """Return a server as `find` does that has no task.

        Raises:
            Conflict: it has one.
        """
        cell, instance = self.find(context, server_id, action, vm_states)
        if instance.task_state is not None:
            raise Conflict(
                f"server {server_id} is in task_state {instance.task_state}; "
                f"{action} takes one with no task"
            )
        return cell, instance

    def find_on_host(
        self,
        context: RequestContext,
        server_id: str,
        action: str,
        vm_states: Sequence[VmState],
    ) -> tuple[CellDatabase, Instance, str]:
        """Return also the host that the server is on; raises as `find`.

        Raises:
            Conflict: it is on none.
        """
        cell, instance = self.find(context, server_id, action, vm_states)
        if instance.host is None:
            raise Conflict(f"server {server_id} is on no host: it cannot {action}")
        return cell, instance, instance.host

    def find_to_move(
        self,
        context: RequestContext,
        server_id: str,
        action: str,
        vm_states: Sequence[VmState],
    ) -> tuple[CellDatabase, Instance, str]:
        """Return a server that can begin to move, with its host; raises as `find_on_host`.

        Raises:
            Conflict: a move of it has not ended yet.
        """
        cell, instance, host = self.find_on_host(context, server_id, action, vm_states)
        for migration in cell.migrations.under_way_of(server_id):
            # One that is being taken back has given everything back before its server's task ends.
            if migration.status != MigrationStatus.REVERTING:
                raise Conflict(
                    f"server {server_id} is still being moved: {migration.type} "
                    f"{migration.uuid} is {migration.status}"
                )
        return cell, instance, host

    def begin(
        self,
        context: RequestContext,
        cell: CellDatabase,
        instance: Instance,
        action: str,
        task: TaskState,
        vm_states: Sequence[VmState],
        send: Callable[[], None],
        *,
        tasks: Sequence[TaskState | None] = (None,),
        changes: InstanceChanges | None = None,
    ) -> None:
        """Begin a task, record the action, and hand it on.

        Args:
            context, cell, instance: who asks, for which server.
            action: its name, as the API records it.
            task: the server's from now on.
            vm_states, tasks: what it must be in.
            send: hands the task on; harmless when done twice.
            changes: what else its record says from now on.

        Raises:
            Conflict: the server is in another state, or has another task.
        """
        begun = replace(changes or InstanceChanges(), task_state=task)
        try:
            cell.instances.update(
                instance.uuid, begun, expected_task_states=tasks, expected_vm_states=vm_states
            )
            self.record(context, cell, instance, action)
            self._around.seams.insist(send, "hand a task on")
        except (Conflict, NotFound):
            raise  # the task, if there is one, is somebody else's
        except Exception:
            self._take_back(cell, instance, task)
            raise

    def _take_back(self, cell: CellDatabase, instance: Instance, task: TaskState) -> None:
        """Let a task be over that was not handed on, and let the server be as it was."""
        before = InstanceChanges(task_state=None, image_id=instance.image_id)
        try:
            self._around.seams.insist(
                lambda: cell.instances.update(instance.uuid, before, (task, None)),
                "take a task back",
            )
        except (Conflict, NotFound) as error:
            self._around.seams.handled(error, "somebody else goes on with the server")

    def record(
        self, context: RequestContext, cell: CellDatabase, instance: Instance, action: str
    ) -> None:
        """Record an action of a server."""
        cell.actions.start(
            instance.uuid, action, context.request_id, instance.project_id, instance.user_id
        )

    def is_up(self, cell: CellDatabase, host: str) -> bool:
        """Whether a host's compute service is alive, as far as its reports tell."""
        return is_up(cell.hosts.service_get(host, COMPUTE), self._around.runtime.now())

    def check_up(self, cell: CellDatabase, host: str, server_id: str) -> None:
        """Check that a host's compute service is up.

        Raises:
            Conflict: it is down.
        """
        if not self.is_up(cell, host):
            raise Conflict(f"host {host} is down: server {server_id} needs it for this")

    def check_target(self, cell: CellDatabase, host: str) -> None:
        """Check that a host that somebody names can take a server.

        Raises:
            Invalid: its compute service is down or disabled.
        """
        service = cell.hosts.service_get(host, COMPUTE)
        if not is_up(service, self._around.runtime.now()):
            raise Invalid(f"the compute service of host {host} is down: name another host")
        if service.disabled:
            reason = f" ({service.disabled_reason})" if service.disabled_reason else ""
            raise Invalid(
                f"the compute service of host {host} is disabled{reason}: name another host"
            )


def check_states(instance: Instance, action: str, vm_states: Sequence[VmState]) -> None:
    """Check that a server's state allows an action.

    Raises:
        Conflict: it does not.
    """
    if instance.vm_state not in vm_states:
        raise Conflict(
            f"server {instance.uuid} is {instance.vm_state}; "
            f"{action} takes one that is {' or '.join(vm_states)}"
        )
