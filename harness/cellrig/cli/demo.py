"""``cellrig demo``: the main job, and everything that goes wrong with it, in one short report."""

from __future__ import annotations

import time
from pathlib import Path

from rich.markup import escape

from cellrig.cli.demo_cloud import cells_with_alternates, demo_topology, loaded_topology
from cellrig.cli.demo_volumes import show_shared_volume
from cellrig.cli.provider_tree import VIRTUAL_FUNCTION, drawn, functions_used, network_of
from cellrig.cli.screen import Screen
from cellrig.driver.errors import HypervisorError
from cellrig.model import ActionEvent, Server
from cellrig.rig import Rig, RigNotClean

#: How many servers are booted, and how many more with a virtual function each.
_FLEET = 9
_WITH_FUNCTION = 2
#: Seconds of the rig's clock between two requests.
_PAUSE = 10.0


def run_demo(screen: Screen, path: Path | None, seed: int | None) -> bool:
    """Run the demo.

    Args:
        screen: where it is shown.
        path: the topology to build, as YAML; None for the demo's own.
        seed: of the rig.

    Returns:
        Whether all went as it should.

    Raises:
        Invalid: the topology cannot be built, or cannot show what the demo shows.
    """
    topology = demo_topology() if path is None else loaded_topology(path)
    parts = (
        _show_cloud,
        _show_failed_build,
        _show_provider_tree,
        show_shared_volume,
        _show_listing_with_a_cell_down,
    )
    findings: list[str] = []
    started = time.perf_counter()
    try:
        with Rig(topology, seed=seed) as rig:
            began = rig.runtime.now()
            held = [part(screen, rig) for part in parts]
            passed = rig.runtime.now() - began
    except RigNotClean as error:
        findings = error.args[0]
    held.append(_show_audit(screen, findings))
    # How long it took here is for the person who watches; what is piped is the same each time.
    here = f", {time.perf_counter() - started:.2f} s on yours" if screen.is_terminal else ""
    screen.show(f"\n{passed:g} s have passed on the rig's clock{here}")
    return all(held)


def _show_cloud(screen: Screen, rig: Rig) -> bool:
    screen.section("A cloud of cells, each with a database of its own")
    hosts = tuple(rig.topology.hosts())
    rows = []
    for cell in rig.topology.cells:
        own = [host for host in hosts if host.cell == cell.name]
        drivers = ", ".join(sorted({host.driver for host in own}))
        names = ", ".join(host.name for host in own)
        rows.append((escape(cell.name), escape(drivers), escape(names)))
    screen.table(("cell", "driver", "hosts"), rows)
    up = [host.name for host in hosts if rig.services.is_up(host.name)]
    return screen.verdict(len(up) == len(hosts), f"{len(up)} of {len(hosts)} hosts are up")


def _show_failed_build(screen: Screen, rig: Rig) -> bool:
    cell = cells_with_alternates(rig.topology)[0]
    screen.section(f"{_FLEET} servers, and a host in {escape(cell)} that fails the first build")
    rule = rig.faults.fail_after(
        "driver.spawn", HypervisorError("the guest died when it started"), cell=cell, times=1
    )
    with rig.faults.record() as passed, screen.progress("booting", _FLEET) as step:
        for number in range(1, _FLEET + 1):
            rig.servers.create(name=f"web-{number}")
            rig.advance(_PAUSE)
            step()
    asked = sum(passage.seam == "bus.scheduler.select_destinations" for passage in passed)
    servers = rig.servers.list()
    active = sum(server.status == "ACTIVE" for server in servers)
    held = [screen.verdict(active == _FLEET, f"{active} of {_FLEET} servers are ACTIVE")]
    if not rule.passages:
        return screen.verdict(False, f"no server was sent to {escape(cell)}, so none failed there")
    server = rig.servers.show(rule.passages[0].server)
    tries = tuple(reversed(rig.servers.actions(server)[-1].events))
    screen.table(("host", "began", "took", "result"), [_row_of_try(e, tries[0]) for e in tries])
    held.append(
        screen.verdict(
            server.status == "ACTIVE" and server.host != rule.passages[0].host,
            f"{server.name} failed on {escape(str(rule.passages[0].host))} and is "
            f"{server.status} on {escape(str(server.host))}, an alternate in the same cell",
        )
    )
    held.append(
        screen.verdict(
            asked == _FLEET, f"the scheduler was asked {asked} times: once for each server"
        )
    )
    return all(held)


def _row_of_try(event: ActionEvent, first: ActionEvent) -> tuple[str, str, str, str]:
    took = "" if event.finish_time is None else f"{event.finish_time - event.start_time:g} s"
    colour = "green" if event.result == "Success" else "red"
    return (
        escape(event.host or ""),
        f"+{event.start_time - first.start_time:g} s",
        took,
        f"[{colour}]{escape(event.result or 'unfinished')}[/]",
    )


def _show_provider_tree(screen: Screen, rig: Rig) -> bool:
    nodes = rig.hypervisors.list()
    trees = {node.uuid: rig.placement.get_provider_tree(node.uuid) for node in nodes}
    node = max(nodes, key=lambda node: len(trees[node.uuid]))
    screen.section(f"The provider tree of {escape(node.hypervisor_hostname)}: what is used of it")
    network = network_of(trees[node.uuid])
    servers = [] if network is None else _boot_with_functions(rig, network)
    tree = rig.placement.get_provider_tree(node.uuid)
    screen.show(drawn(tree, bars=screen.is_terminal))
    if not servers:
        screen.show("no virtual functions in this cloud: no guest could be given one")
        return True
    given = {server.name: _devices(rig, server) for server in servers}
    for name, addresses in given.items():
        screen.show(f"guest {name} got {addresses or 'nothing'} of {network}")
    used = functions_used(tree)
    return screen.verdict(
        all(given.values()) and used == len(servers),
        f"{len(servers)} guests were given {used} virtual functions",
    )


def _boot_with_functions(rig: Rig, network: str) -> list[Server]:
    flavor = rig.flavors.create(
        "demo.vf",
        extra_specs={
            f"resources_NET:{VIRTUAL_FUNCTION}": "1",
            f"trait_NET:{network}": "required",
        },
    )
    servers = []
    for number in range(1, _WITH_FUNCTION + 1):
        servers.append(rig.servers.create(name=f"vf-{number}", flavor=flavor.id))
        rig.advance(_PAUSE)
    return servers


def _devices(rig: Rig, server: Server) -> str:
    if server.host is None:
        return ""
    return ", ".join(str(device.address) for device in rig.guest(server).devices)


def _show_listing_with_a_cell_down(screen: Screen, rig: Rig) -> bool:
    everything = rig.servers.list()
    cell = rig.topology.cells[-1].name
    screen.section(f"All servers, the newest first, while {escape(cell)} is down")
    rig.faults.take_down(cell, "the disk is full")
    listed = rig.servers.list()
    rig.faults.bring_back(cell)
    began = min(server.created_at for server in everything)
    screen.table(
        ("server", "status", "cell", "host", "created"),
        [_row_of_server(server, began) for server in listed],
    )
    for missing in listed.missing.values():
        screen.show(f"[yellow]missing[/]  {escape(str(missing))}")
    expected = [server.id for server in everything if server.cell != cell]
    return screen.verdict(
        [server.id for server in listed] == expected and list(listed.missing) == [cell],
        f"{len(listed)} of {len(everything)} servers, in order; the answer names the missing cell",
    )


def _row_of_server(server: Server, began: float) -> tuple[str, ...]:
    colour = "green" if server.status == "ACTIVE" else "red"
    return (
        escape(server.name),
        f"[{colour}]{server.status}[/]",
        escape(server.cell or ""),
        escape(server.host or ""),
        f"+{server.created_at - began:g} s",
    )


def _show_audit(screen: Screen, findings: list[str]) -> bool:
    screen.section("The audit: do databases, placement and hypervisors agree?")
    for finding in findings:
        screen.show(f"[red]-[/] {escape(finding)}")
    return screen.verdict(not findings, f"{len(findings)} findings")
