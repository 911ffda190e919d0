"""Creating servers: what is asked for is checked, reserved, written and handed on."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from cellrig.compute.api.boot_volumes import free_attachments, reserve_volumes
from cellrig.compute.api.network_requests import free_interfaces, take_interfaces
from cellrig.compute.api.requests import CheckedRequest, ServerRequest, check_request
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.model import (
    BuildRequest,
    Instance,
    Presentation,
    RequestSpec,
    Server,
    TaskState,
    server_of,
)
from cellrig.model.network import DIRECT


class ServerCreation:
    """Creates servers.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def create(self, context: RequestContext, asked: ServerRequest) -> list[Server]:
        """Ask for servers; they are built after this has returned.

        Returns:
            The servers as they are asked for: in no cell, status BUILD.

        Raises:
            Invalid, NotFound, Forbidden: see `check_request`; nothing has been written.
        """
        around = self._around
        checked = check_request(context, around, asked)
        reservation = f"r-{around.new_uuid()[:8]}"
        pairs = [
            self._request(context, checked, reservation, index) for index in range(asked.count)
        ]
        try:
            pairs = self._with_volumes(context, pairs)
            if checked.interfaces:
                pairs = [self._with_interfaces(context, checked, *pair) for pair in pairs]
            around.api.requests.create([(request, _lasting(spec)) for request, spec in pairs])
            if asked.presentation != Presentation():
                uuids = [request.instance.uuid for request, _spec in pairs]
                around.api.presentations.save(uuids, asked.presentation)
            around.conductor.schedule_and_build_instances(
                context,
                tuple(request for request, _spec in pairs),
                tuple(spec for _request, spec in pairs),
            )
        except Exception:
            for request, _spec in pairs:
                self._withdraw(request.instance.uuid)
                free_attachments(context, around, request.block_devices)
                if checked.interfaces:
                    free_interfaces(context, around, request.instance.uuid)
            raise
        return [server_of(request.instance, None, request.tags) for request, _spec in pairs]

    def _with_volumes(
        self, context: RequestContext, pairs: list[tuple[BuildRequest, RequestSpec]]
    ) -> list[tuple[BuildRequest, RequestSpec]]:
        """Reserve the volumes of all the servers of a request, or none."""
        mappings = [mapping for request, _spec in pairs for mapping in request.block_devices]
        if not mappings:
            return pairs
        reserved = reserve_volumes(context, self._around, mappings)
        return [
            (
                msgspec.structs.replace(
                    request,
                    block_devices=tuple(
                        each for each in reserved if each.instance_uuid == request.instance.uuid
                    ),
                ),
                spec,
            )
            for request, spec in pairs
        ]

    def _with_interfaces(
        self,
        context: RequestContext,
        checked: CheckedRequest,
        request: BuildRequest,
        spec: RequestSpec,
    ) -> tuple[BuildRequest, RequestSpec]:
        """Take the ports of one server."""
        instance = request.instance
        taken = take_interfaces(
            context,
            self._around,
            instance.uuid,
            checked.zone,
            checked.interfaces,
            checked.asked.presentation.security_groups,
        )
        functions = tuple(each for each in taken if each.vnic_type == DIRECT)
        return (
            replace(request, instance=replace(instance, network_info=taken)),
            replace(spec, network_info=functions),
        )

    def _withdraw(self, instance_uuid: str) -> None:
        self._around.seams.insist(
            lambda: self._around.api.requests.build_delete(instance_uuid), "withdraw a request"
        )

    def _request(
        self, context: RequestContext, checked: CheckedRequest, reservation: str, index: int
    ) -> tuple[BuildRequest, RequestSpec]:
        asked, now = checked.asked, self._around.runtime.now()
        uuid = self._around.new_uuid()
        name = asked.name if asked.count == 1 else f"{asked.name}-{index + 1}"
        instance = Instance(
            uuid=uuid,
            name=name,
            project_id=context.project_id,
            user_id=context.user_id,
            task_state=TaskState.SCHEDULING,
            availability_zone=checked.zone,
            flavor_id=checked.flavor.id,
            flavor=checked.flavor,
            image_id=(
                None if checked.boots_from_volume or checked.image is None else checked.image.id
            ),
            key_name=asked.key_name,
            hostname=asked.hostname or name,
            server_group=asked.group,
            reservation_id=reservation,
            launch_index=index,
            created_at=now,
            updated_at=now,
            metadata=dict(asked.metadata),
        )
        mappings = (
            ()
            if checked.devices is None
            else checked.devices.mappings(uuid, checked.flavor, self._around.new_uuid)
        )
        request = BuildRequest(instance, tuple(sorted(set(asked.tags))), mappings)
        return request, checked.spec(context, uuid)


def _lasting(spec: RequestSpec) -> RequestSpec:
    """Return what is remembered of a request: a host that was asked for at boot binds no move."""
    return msgspec.structs.replace(spec, requested_host=None, force_host=None, force_node=None)
