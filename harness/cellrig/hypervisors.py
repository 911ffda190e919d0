"""What the drivers of a rig's hosts are made with: their options, and their surroundings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from cellrig.cloud import COMPUTE, Cloud
from cellrig.driver.context import DriverContext
from cellrig.driver.fabric import Fabric
from cellrig.driver.loading import driver_options
from cellrig.runtime import Runtime
from cellrig.seams import Process
from cellrig.sources import Sources
from cellrig.topology import NamedHost


def options_of_drivers(hosts: Sequence[NamedHost]) -> list[msgspec.Struct]:
    """Return each host's validated options; hosts that were told the same share them."""
    checked: dict[tuple[str, int], msgspec.Struct] = {}
    options = []
    for host in hosts:
        key = (host.driver, id(host.options))
        if key not in checked:
            checked[key] = driver_options(host.driver, host.options)
        options.append(checked[key])
    return options


def driver_context(
    host: NamedHost, cloud: Cloud, runtime: Runtime, sources: Sources, fabric: Fabric
) -> DriverContext:
    """Return the surroundings of a host's driver, which asks for images as its host does."""
    images = cloud.image_client(Process(COMPUTE, host.name, host.cell))
    return DriverContext(
        host=host.name,
        runtime=runtime,
        make_state_directory=lambda: sources.state_directory(host.name),
        logger=logging.getLogger(f"cellrig.driver.{host.driver}"),
        new_uuid=sources.new_uuid,
        rng=sources.random("drivers"),
        fabric=fabric,
        image_file=images.file_of,
    )
