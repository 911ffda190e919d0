"""The ports of servers are those that the network service has taken for them, and bound there."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig.network.types import Port
from cellrig_audit.picture import Picture, Record


def check(picture: Picture) -> Iterator[str]:
    """Find ports of servers that are gone or elsewhere, and interfaces without a port."""
    for port in picture.ports.values():
        if port.claim:
            yield from _check_port(picture, port)
    for uuid in sorted(picture.records):
        record = picture.at_rest(uuid)
        if record is not None and not record.instance.deleted:
            yield from _check_interfaces(picture, record)


def _check_port(picture: Picture, port: Port) -> Iterator[str]:
    uuid = port.device_id
    records = picture.records.get(uuid, [])
    if not records:
        if uuid not in picture.build_requests:
            yield f"port {port.id} is taken for server {uuid}, and there is no such server"
        return
    if all(record.instance.deleted for record in records):
        yield f"port {port.id} is taken for server {uuid}, which is deleted"
        return
    record = picture.at_rest(uuid)
    if record is None or record.instance.deleted or picture.moving(uuid):
        return
    instance = record.instance
    if port.id not in {each.port_id for each in instance.network_info}:
        yield f"port {port.id} is taken for {record.name}, which does not have it"
    if port.host != (instance.host or ""):
        yield (
            f"port {port.id} of {record.name} is bound to {_place(port.host)}; "
            f"its server is on {_place(instance.host)}"
        )


def _check_interfaces(picture: Picture, record: Record) -> Iterator[str]:
    for interface in record.instance.network_info:
        port = picture.ports.get(interface.port_id)
        if port is None or port.device_id != record.instance.uuid or not port.claim:
            yield (
                f"{record.name} has an interface with port {interface.port_id}, which the network "
                "service has not taken for it"
            )


def _place(host: str | None) -> str:
    return f"host {host}" if host else "no host"
