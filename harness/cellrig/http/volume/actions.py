"""What can be asked of a volume by ``POST /volumes/{volume_id}/action``: which, and since when."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.volume import attach_actions, image_actions, status_actions
from cellrig.http.volume.schemas.actions import SCHEMAS
from cellrig.http.volume.service import VolumeCall, context_of


class Action(msgspec.Struct, frozen=True):
    """One action; its body's schema, where it has one, has the action's name.

    Args:
        handler: does it.
        since: the microversion that it came with.
        administrators: whether it is for them alone.
    """

    handler: Callable[[VolumeCall], Answer]
    since: tuple[int, int] = (3, 0)
    administrators: bool = False


ACTIONS: Mapping[str, Action] = {
    "os-attach": Action(attach_actions.attach),
    "os-detach": Action(attach_actions.detach),
    "os-force_detach": Action(attach_actions.detach, administrators=True),
    "os-reserve": Action(attach_actions.reserve),
    "os-unreserve": Action(attach_actions.unreserve),
    "os-begin_detaching": Action(attach_actions.begin_detaching),
    "os-roll_detaching": Action(attach_actions.roll_detaching),
    "os-initialize_connection": Action(attach_actions.initialize_connection),
    "os-terminate_connection": Action(attach_actions.terminate_connection),
    "os-extend": Action(status_actions.extend),
    "os-retype": Action(status_actions.retype),
    "os-reset_status": Action(status_actions.reset_status, administrators=True),
    "os-force_delete": Action(status_actions.force_delete, administrators=True),
    "os-set_bootable": Action(status_actions.set_bootable),
    "os-update_readonly_flag": Action(status_actions.set_read_only),
    "os-migrate_volume": Action(status_actions.migrate, administrators=True),
    "os-migrate_volume_completion": Action(status_actions.complete_migration, administrators=True),
    "revert": Action(status_actions.revert, (3, 40)),
    "os-show_image_metadata": Action(image_actions.show_image_metadata),
    "os-set_image_metadata": Action(image_actions.set_image_metadata),
    "os-unset_image_metadata": Action(image_actions.unset_image_metadata),
    "os-volume_upload_image": Action(image_actions.upload_image),
}


def run_action(call: VolumeCall) -> Answer:
    """Run the action of a volume that the body names."""
    (name,) = call.body
    action = ACTIONS.get(name)
    if action is None or call.version < action.since:
        raise Refusal(400, f"There is no such action: {name}")
    if name in SCHEMAS:
        SCHEMAS[name].check(call.body)
    if action.administrators and not context_of(call).is_admin:
        raise Refusal(403, f"{name} takes an administrator")
    return action.handler(call)
