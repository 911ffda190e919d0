"""Resizes that add, drop or change devices, and whole cards on a move."""

from __future__ import annotations

import pytest
from nested_moves import (
    FORMS,
    MOVES,
    ON_PUBLIC,
    ON_STORAGE,
    ONE_EACH,
    PUBLIC,
    STORAGE,
    addresses,
    check_devices,
    check_empty,
    cloud,
    held,
    owned,
    the_move,
)

from cellrig_pytest import RigFactory

# -- other devices than before -----------------------------------------------------------------


@pytest.mark.parametrize("same_host", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["confirm", "revert"])
@pytest.mark.parametrize(
    ("old", "new", "networks"),
    [
        ({}, ONE_EACH, ["81", "82"]),
        (ONE_EACH, {}, []),
        (ON_PUBLIC, ON_STORAGE, ["82"]),
        ({"resources1:SRIOV_NET_VF": "2"}, ON_PUBLIC, ["81"]),
    ],
    ids=["adds", "drops", "other network", "2 to 1"],
)
def test_48_1983753_a_resize_is_scheduled_with_the_new_flavors_functions(
    rig_factory: RigFactory,
    old: dict[str, str],
    new: dict[str, str],
    networks: list[str],
    end: str,
    form: str,
    same_host: bool,
) -> None:
    if form == "children" and old.get("resources1:SRIOV_NET_VF") == "2":
        old = {"resources:SRIOV_NET_VF": "1", **ON_PUBLIC, "group_policy": "none"}
    options = {"sriov": [{**PUBLIC, "vfs": 3, "tree": form}, {**STORAGE, "tree": form}]}
    rig = rig_factory(cloud(*[options] * (1 if same_host else 2), same_host=same_host))
    rig.flavors.create("old", memory_mb=512, root_gb=1, extra_specs=old)
    rig.flavors.create("new", memory_mb=512, root_gb=1, vcpus=2, extra_specs=new)
    server = rig.servers.create(flavor="old", host="host1")
    assert server.status == "ACTIVE", server.fault
    had, before = addresses(rig, server), held(rig, server.id)
    resized = rig.servers.resize(server, "new")
    assert resized.status == "VERIFY_RESIZE", resized.fault
    assert [address.split(":")[1] for address in addresses(rig, resized)] == networks
    check_devices(rig, resized)
    assert held(rig, the_move(rig, server).uuid) == before
    if end == "confirm":
        ended = rig.servers.confirm_resize(server)
        assert [address.split(":")[1] for address in addresses(rig, ended)] == networks
    else:
        ended = rig.servers.revert_resize(server)
        assert (addresses(rig, ended), held(rig, server.id)) == (had, before)
    assert ended.status == "ACTIVE"
    check_devices(rig, ended)
    for host in rig.host_names:
        owners = owned(rig, host)
        assert set(owners) <= {server.id}
    assert rig.audit.findings() == []


def test_48_a_resize_from_a_function_to_a_whole_card_takes_the_card(
    rig_factory: RigFactory,
) -> None:
    whole = {"address": "0000:83:00.0", "vfs": 0}
    rig = rig_factory(cloud({"sriov": [PUBLIC]}, {"sriov": [PUBLIC]}, {"sriov": [whole]}))
    rig.flavors.create("vf", memory_mb=512, root_gb=1, extra_specs={"resources:SRIOV_NET_VF": "1"})
    rig.flavors.create("pf", memory_mb=512, root_gb=1, extra_specs={"resources:PCI_DEVICE": "1"})
    server = rig.servers.create(flavor="vf", host="host1")
    resized = rig.servers.resize(server, "pf")
    assert (resized.status, resized.host) == ("VERIFY_RESIZE", "host3")
    assert addresses(rig, resized) == ["0000:83:00.0"]
    ended = rig.servers.confirm_resize(server)
    assert held(rig, server.id)["host3_0000:83:00.0"] == {"PCI_DEVICE": 1}
    check_empty(rig, "host1")
    refused = rig.servers.migrate(ended)
    assert (refused.status, refused.host) == ("ACTIVE", "host3")
    assert refused.fault is not None
    assert addresses(rig, refused) == ["0000:83:00.0"]


@pytest.mark.parametrize("kind", MOVES)
def test_50_a_whole_card_moves_to_a_whole_card(rig_factory: RigFactory, kind: str) -> None:
    whole = {
        "sriov": [{"address": "0000:83:00.0", "vfs": 0}],
        "gpus": [{"address": "0000:0a:00.0"}],
    }
    rig = rig_factory(cloud(whole, whole))
    specs = {"resources:PCI_DEVICE": "1", "resources:PGPU": "1"}
    rig.flavors.create("pf", memory_mb=512, root_gb=1, extra_specs=specs)
    server = rig.servers.create(flavor="pf", host="host1")
    moved = MOVES[kind](rig, server)
    assert (moved.status, moved.host) == ("ACTIVE", "host2")
    assert addresses(rig, moved) == ["0000:0a:00.0", "0000:83:00.0"]
    assert {name for name in held(rig, server.id) if "_" in name} == {
        "host2_0000:83:00.0",
        "host2_0000:0a:00.0",
    }
    check_empty(rig, "host1")
