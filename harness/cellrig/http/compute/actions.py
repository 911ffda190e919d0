"""What can be asked of a server by ``POST /servers/{server_id}/action``: which, and since when."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cellrig.http.calls import Answer
from cellrig.http.checking import Schema
from cellrig.http.compute import (
    image_actions,
    move_actions,
    other_actions,
    power_actions,
    rebuilding,
)
from cellrig.http.compute.schemas import actions as schemas
from cellrig.http.compute.schemas import servers as server_schemas
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal
from cellrig.http.versions import pick


class Action(msgspec.Struct, frozen=True):
    """One action.

    Args:
        handler: does it.
        body: the schema by microversion.
        since, until: the microversions that have it.
        administrators: whether it is for them alone.
    """

    handler: Callable[[ComputeCall], Answer]
    body: Mapping[tuple[int, int], Schema]
    since: tuple[int, int] = (2, 1)
    until: tuple[int, int] | None = None
    administrators: bool = False


def _power(name: str) -> Action:
    return Action(power_actions.BY_NAME[name], schemas.bare(name))


ACTIONS: Mapping[str, Action] = {
    **{name: _power(name) for name in power_actions.BY_NAME},
    "reboot": Action(power_actions.reboot, schemas.REBOOT),
    "lock": Action(power_actions.lock, schemas.LOCK),
    "unlock": Action(power_actions.unlock, schemas.bare("unlock")),
    "rescue": Action(power_actions.rescue, schemas.RESCUE),
    "os-resetState": Action(power_actions.reset_state, schemas.RESET_STATE, administrators=True),
    "forceDelete": Action(power_actions.force_delete, schemas.bare("forceDelete")),
    "restore": Action(power_actions.restore, schemas.bare("restore")),
    "rebuild": Action(rebuilding.rebuild, server_schemas.REBUILD),
    "resize": Action(move_actions.resize, schemas.RESIZE),
    "confirmResize": Action(move_actions.confirm_resize, schemas.bare("confirmResize")),
    "revertResize": Action(move_actions.revert_resize, schemas.bare("revertResize")),
    "migrate": Action(move_actions.migrate, schemas.MIGRATE, administrators=True),
    "os-migrateLive": Action(move_actions.live_migrate, schemas.LIVE_MIGRATE, administrators=True),
    "evacuate": Action(move_actions.evacuate, schemas.EVACUATE, administrators=True),
    "shelve": Action(move_actions.shelve, schemas.bare("shelve")),
    "shelveOffload": Action(
        move_actions.shelve_offload, schemas.bare("shelveOffload"), administrators=True
    ),
    "unshelve": Action(move_actions.unshelve, schemas.UNSHELVE),
    "createImage": Action(image_actions.create_image, schemas.CREATE_IMAGE),
    "createBackup": Action(image_actions.create_backup, schemas.CREATE_BACKUP),
    "os-getConsoleOutput": Action(image_actions.console_output, schemas.CONSOLE_OUTPUT),
    **{
        name: Action(image_actions.show_console, schema, until=(2, 5))
        for name, schema in schemas.CONSOLES.items()
    },
    "addSecurityGroup": Action(
        other_actions.add_security_group, schemas.SECURITY_GROUP["addSecurityGroup"]
    ),
    "removeSecurityGroup": Action(
        other_actions.remove_security_group, schemas.SECURITY_GROUP["removeSecurityGroup"]
    ),
    "changePassword": Action(other_actions.change_password, schemas.CHANGE_PASSWORD),
    "trigger_crash_dump": Action(
        other_actions.trigger_crash_dump, schemas.nothing("trigger_crash_dump"), since=(2, 17)
    ),
    "injectNetworkInfo": Action(
        other_actions.inject_network_info,
        schemas.bare("injectNetworkInfo"),
        administrators=True,
    ),
    "resetNetwork": Action(
        other_actions.reset_network, schemas.bare("resetNetwork"), administrators=True
    ),
}


def run_action(call: ComputeCall) -> Answer:
    """Run the action of a server that the body names."""
    (name,) = call.body
    action = ACTIONS.get(name)
    version = call.version
    if (
        action is None
        or version < action.since
        or (action.until is not None and version > action.until)
    ):
        raise Refusal(400, f"There is no such action: {name}")
    schema = pick(action.body, version)
    if schema is not None:
        schema.check(call.body)
    if action.administrators and not context_of(call).is_admin:
        raise Refusal(403, f"{name} takes an administrator")
    return action.handler(call)
