"""The whole control plane over libvirt's mock hypervisor."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleet import SentDocuments
from lxml import etree
from waiting import wait_for

from cellrig import Cell, Host, Rig, Topology
from cellrig.errors import InvalidTopology
from cellrig_libvirt import LibvirtDriver
from cellrig_libvirt.mock_nodes import CARDS, functions_of, node_with_cards

MOCK = Topology(cells=[Cell("cell1", 2)], driver="libvirt")


def driver_of(rig: Rig, host: str | None) -> LibvirtDriver:
    driver = rig.driver(str(host))
    assert isinstance(driver, LibvirtDriver)
    return driver


@pytest.mark.topology(MOCK)
def test_a_server_lives_moves_and_dies(rig: Rig, sent: SentDocuments) -> None:
    server = rig.servers.create()
    volume = rig.volumes.create(size=1, type="multiattach")
    rig.servers.attach_volume(server, volume)
    assert rig.guest(server).disk(serial=volume.id).shareable
    neighbour = rig.servers.create()
    rig.servers.attach_volume(neighbour, volume)
    source = rig.servers.show(server).host
    assert rig.servers.migrate(server).status == "VERIFY_RESIZE"
    moved = rig.servers.confirm_resize(server)
    assert (moved.status, moved.host == source) == ("ACTIVE", False)
    assert rig.guest(server).disk(serial=volume.id).shareable
    assert driver_of(rig, source).list_guests() in ([], [rig.guest(neighbour)])
    rig.servers.resize(server, "m1.small")
    back = rig.servers.revert_resize(server)
    assert (back.host, back.status) == (moved.host, "ACTIVE")
    rig.servers.detach_volume(server, volume)
    for each in (server, neighbour):
        rig.servers.delete(each)
    for host in ("cell1-host1", "cell1-host2"):
        assert driver_of(rig, host).list_guests() == []
    assert sent.texts


@pytest.mark.topology(MOCK)
def test_power_states_reach_the_hypervisor(rig: Rig) -> None:
    server = rig.servers.create()
    for act, status in (
        (rig.servers.pause, "PAUSED"),
        (rig.servers.unpause, "ACTIVE"),
        (rig.servers.suspend, "SUSPENDED"),
        (rig.servers.resume, "ACTIVE"),
        (rig.servers.stop, "SHUTOFF"),
        (rig.servers.start, "ACTIVE"),
        (rig.servers.rescue, "RESCUE"),
        (rig.servers.unrescue, "ACTIVE"),
    ):
        assert act(server).status == status
        assert rig.guest(server).power_state == rig.servers.show(server).power_state


@pytest.mark.topology(MOCK)
def test_a_guest_that_stops_behind_our_back_is_noticed(rig: Rig) -> None:
    server = rig.servers.create()
    driver = driver_of(rig, server.host)
    driver.hypervisor.domain(server.id).destroy()

    def is_noticed() -> bool:
        rig.advance(1)
        return rig.servers.show(server).status == "SHUTOFF"

    wait_for(is_noticed, "the end of the guest in its server's status")


def test_functions_of_cards_on_two_networks_go_from_the_request_to_the_guest(
    tmp_path: Path,
) -> None:
    options = {
        "uri": node_with_cards(tmp_path),
        "physical_networks": {"ens1f0": "public", "ens2f0": "storage"},
    }
    cells = [Cell("cell1", [Host("node1", options=options)])]
    with Rig(Topology(cells=cells, driver="libvirt")) as rig:
        (public, _), (storage, _) = CARDS
        for network in ("public", "storage"):
            rig.flavors.create(
                network,
                extra_specs={
                    "resources1:SRIOV_NET_VF": "2",
                    f"trait1:CUSTOM_PHYSNET_{network.upper()}": "required",
                },
            )
        servers = [rig.servers.create(flavor=f"{name}") for name in ("public", "storage") * 4]
        given: dict[str, list[str]] = {public: [], storage: []}
        for server in servers:
            document = etree.fromstring(driver_of(rig, "node1").domain_xml(server.id))
            for address in document.iterfind("devices/hostdev/source/address"):
                bus = str(address.get("bus"))[2:]
                card = public if bus == "81" else storage
                number = str(address.get("function"))[2:]
                given[card].append(f"0000:{bus}:02.{number}")
        assert {card: sorted(each) for card, each in given.items()} == {
            card: functions_of(card) for card in (public, storage)
        }
        full = rig.servers.create(flavor="public")
        assert full.status == "ERROR"
        rig.servers.delete(servers[0])
        assert rig.servers.create(flavor="public").status == "ACTIVE"


def test_two_rigs_with_mock_hypervisors_do_not_meet() -> None:
    with Rig(MOCK) as one, Rig(MOCK) as other:
        server = one.servers.create()
        guests = [
            driver_of(rig, host).list_guests()
            for rig in (one, other)
            for host in ("cell1-host1", "cell1-host2")
        ]
        assert [info.uuid for infos in guests for info in infos] == [server.id]


def test_a_wrong_option_is_told_before_anything_starts() -> None:
    with pytest.raises(InvalidTopology, match="'virt_type'.*one of 'kvm', 'qemu'"):
        Rig(Topology(driver="libvirt", options={"virt_type": "xen"}))
