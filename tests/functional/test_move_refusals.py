"""What bad input gets: the field's class of error, one sentence, and the server exactly as before.

The classes stand for the statuses of the Compute API: `Invalid` is 400, `Forbidden` 403, `NotFound`
404, `Conflict` 409. What only a hypervisor or the scheduler can refuse is refused after the request
was accepted (202): it is told by the server's fault.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from move_looks import TINY, guests, held, holders, is_as_before, move_of, seams, told

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.client.servers import ServerClient
from cellrig.errors import CellrigError, Conflict, Forbidden, Invalid, NotFound
from cellrig.model import Flavor, MigrationStatus
from cellrig.topology import DEFAULT_FLAVORS
from cellrig_pytest.factory import RigFactory

#: What somebody asks, and what brings a server and its cloud to where that is asked.
Ask = Callable[[ServerClient, Server], object]
Before = Callable[[Rig, Server], object]

FLAVORS = (
    *DEFAULT_FLAVORS,
    Flavor("5", "diskless", vcpus=1, memory_mb=512, root_gb=0),
    Flavor("6", "ephemeral", vcpus=1, memory_mb=512, root_gb=1, ephemeral_gb=5),
    Flavor("7", "huge", vcpus=1, memory_mb=10_000_000, root_gb=1),
    Flavor("8", "wrong", vcpus=1, memory_mb=512, root_gb=1, extra_specs={"resources:NONE": "x"}),
    Flavor("9", "dry", vcpus=1, memory_mb=100, root_gb=1),
)
CLOUD = Topology(cells=[Cell("cell1", 3), Cell("cell2", 1)], flavors=FLAVORS)

pytestmark = pytest.mark.topology(CLOUD)


class Bad(msgspec.Struct, frozen=True, eq=False):
    """A request that cannot be.

    Args:
        ask: makes it.
        error: the class of error that it gets.
        words: what the sentence names.
        before: brings the server, and the cloud, to where it is made.
    """

    ask: Ask
    error: type[CellrigError]
    words: str
    before: Before = lambda _rig, _server: None


def to(kind: str, host: str | None) -> Ask:
    """Ask for a move of a kind to a host."""
    asks: dict[str, Ask] = {
        "migrate": lambda servers, server: servers.migrate(server, host),
        "live-migrate": lambda servers, server: servers.live_migrate(server, host),
        "force": lambda servers, server: servers.live_migrate(server, host, force=True),
        "evacuate": lambda servers, server: servers.evacuate(server, host),
        "unshelve": lambda servers, server: servers.unshelve(server, host=host),
    }
    return asks[kind]


def resize(flavor: str) -> Ask:
    """Ask for another size."""
    return lambda servers, server: servers.resize(server, flavor)


def call(name: str, *arguments: object) -> Ask:
    """Ask for something by its name."""
    return lambda servers, server: getattr(servers, name)(server, *arguments)


def dead(rig: Rig, server: Server) -> None:
    """The server's host is down."""
    rig.services.force_down(str(server.host))


def disabled(rig: Rig, _server: Server) -> None:
    """The second host is disabled."""
    rig.services.disable("cell1-host2", "being painted")


def down(rig: Rig, _server: Server) -> None:
    """The second host is down."""
    rig.services.force_down("cell1-host2")


def both(first: Before, second: Before) -> Before:
    """One after the other."""
    return lambda rig, server: (first(rig, server), second(rig, server))


def having(name: str) -> Before:
    """An administrator has done something with the server."""
    return lambda rig, server: getattr(rig.servers, name)(server)


shelve, stop, pause = having("shelve"), having("stop"), having("pause")

BAD = {
    # The same host, unknown hosts, hosts that are down, disabled or another cell's.
    "migrate to its own host": Bad(to("migrate", "cell1-host1"), Invalid, "is on host cell1-host1"),
    "live-migrate to its own host": Bad(
        to("live-migrate", "cell1-host1"), Invalid, "is on host cell1-host1"
    ),
    "force to its own host": Bad(to("force", "cell1-host1"), Invalid, "is on host cell1-host1"),
    "evacuate to its own host": Bad(
        to("evacuate", "cell1-host1"), Invalid, "is on host cell1-host1", dead
    ),
    "migrate to nowhere": Bad(to("migrate", "nowhere"), Invalid, "'nowhere' does not exist"),
    "live-migrate to nowhere": Bad(
        to("live-migrate", "nowhere"), Invalid, "'nowhere' does not exist"
    ),
    "evacuate to nowhere": Bad(
        to("evacuate", "nowhere"), NotFound, "'nowhere' does not exist", dead
    ),
    "unshelve to nowhere": Bad(
        to("unshelve", "nowhere"), Invalid, "'nowhere' does not exist", shelve
    ),
    "migrate to a disabled host": Bad(
        to("migrate", "cell1-host2"), Invalid, "is disabled \\(being painted\\)", disabled
    ),
    "live-migrate to a disabled host": Bad(
        to("live-migrate", "cell1-host2"), Invalid, "is disabled \\(being painted\\)", disabled
    ),
    "evacuate to a disabled host": Bad(
        to("evacuate", "cell1-host2"), Invalid, "is disabled", both(dead, disabled)
    ),
    "unshelve to a disabled host": Bad(
        to("unshelve", "cell1-host2"), Invalid, "is disabled", both(shelve, disabled)
    ),
    "migrate to a host that is down": Bad(
        to("migrate", "cell1-host2"), Invalid, "host cell1-host2 is down", down
    ),
    "live-migrate to a host that is down": Bad(
        to("live-migrate", "cell1-host2"), Invalid, "host cell1-host2 is down", down
    ),
    "force to a host that is down": Bad(
        to("force", "cell1-host2"), Invalid, "host cell1-host2 is down", down
    ),
    "evacuate to a host that is down": Bad(
        to("evacuate", "cell1-host2"), Invalid, "host cell1-host2 is down", both(dead, down)
    ),
    "unshelve to a host that is down": Bad(
        to("unshelve", "cell1-host2"), Invalid, "host cell1-host2 is down", both(shelve, down)
    ),
    "14: migrate to another cell": Bad(to("migrate", "cell2-host1"), Invalid, "is in cell cell2"),
    "14: live-migrate to another cell": Bad(
        to("live-migrate", "cell2-host1"), Invalid, "is in cell cell2"
    ),
    "14: force to another cell": Bad(to("force", "cell2-host1"), Invalid, "is in cell cell2"),
    "14: evacuate to another cell": Bad(
        to("evacuate", "cell2-host1"), Invalid, "is in cell cell2", dead
    ),
    "14: unshelve to another cell": Bad(
        to("unshelve", "cell2-host1"), Invalid, "is in cell cell2", shelve
    ),
    "unshelve to a zone that does not exist": Bad(
        lambda servers, server: servers.unshelve(server, zone="nowhere"),
        Invalid,
        "availability zone 'nowhere' does not exist",
        shelve,
    ),
    "force to any host": Bad(to("force", None), Invalid, "force takes a host"),
    "live-migrate from a host that is down": Bad(
        to("live-migrate", None), Invalid, "host cell1-host1 is down", dead
    ),
    "evacuate from a host that is up": Bad(to("evacuate", None), Invalid, "cell1-host1 is up"),
    # Sizes.
    "resize to its own flavor": Bad(resize("1"), Invalid, "has flavor 'm1.tiny' already"),
    "resize to no flavor": Bad(resize("4711"), NotFound, "'4711'"),
    "resize to no disk": Bad(resize("diskless"), Invalid, "does not shrink to the 0 of flavor"),
    "resize to a wrong flavor": Bad(resize("wrong"), Invalid, "NONE"),
    # States.
    "confirm nothing": Bad(call("confirm_resize"), Conflict, "is active; confirmResize takes"),
    "revert nothing": Bad(call("revert_resize"), Conflict, "is active; revertResize takes"),
    "live-migrate a stopped server": Bad(
        to("live-migrate", None), Conflict, "is stopped; live-migrate takes", stop
    ),
    "migrate a paused server": Bad(
        to("migrate", None), Conflict, "is paused; migrate takes", pause
    ),
    "resize a paused server": Bad(resize("2"), Conflict, "is paused; resize takes", pause),
    "evacuate a paused server": Bad(
        to("evacuate", None), Conflict, "is paused; evacuate takes", both(pause, dead)
    ),
    "migrate a shelved server": Bad(to("migrate", None), Conflict, "shelved_offloaded", shelve),
    "live-migrate a shelved server": Bad(
        to("live-migrate", None), Conflict, "shelved_offloaded", shelve
    ),
    "shelve a shelved server": Bad(call("shelve"), Conflict, "shelved_offloaded", shelve),
    "offload an active server": Bad(
        call("shelve_offload"), Conflict, "is active; shelveOffload takes"
    ),
    "unshelve an active server": Bad(to("unshelve", None), Conflict, "is active; unshelve takes"),
    "reset to a state that is none": Bad(
        call("reset_state", "paused"), Invalid, "reset to active or error, not to 'paused'"
    ),
    # Migrations.
    "abort nothing": Bad(call("abort_live_migration", 1), NotFound, "'1' does not exist"),
    "force-complete nothing": Bad(
        call("force_complete_live_migration", 1), NotFound, "'1' does not exist"
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_the_server_is_as_before(rig: Rig, name: str) -> None:
    bad = BAD[name]
    server = rig.servers.create(host="cell1-host1")
    bad.before(rig, server)
    before, held_before = rig.servers.show(server), held(rig, server)
    moves = len(rig.migrations.list(server=server))
    with pytest.raises(bad.error, match=bad.words) as refused:
        bad.ask(rig.servers, server)
    assert type(refused.value) in (Invalid, Conflict, NotFound, Forbidden)
    assert "\n" not in str(refused.value)
    assert rig.servers.show(server) == before
    assert held(rig, server) == held_before
    assert len(rig.migrations.list(server=server)) == moves
    for host in rig.host_names:
        rig.services.force_down(host, False)


@pytest.mark.parametrize(
    ("flavor", "to_flavor"), [("3", "2"), ("2", "1"), ("ephemeral", "1"), ("2", "ephemeral")]
)
def test_a_disk_does_not_shrink(rig: Rig, flavor: str, to_flavor: str) -> None:
    before = rig.servers.create(flavor=flavor, host="cell1-host1")
    with pytest.raises(Invalid, match="does not shrink"):
        rig.servers.resize(before, to_flavor)
    assert is_as_before(rig, before)


@pytest.mark.parametrize(
    "ask",
    [
        to("migrate", None),
        to("live-migrate", None),
        to("evacuate", None),
        call("shelve_offload"),
        call("abort_live_migration", 1),
        call("force_complete_live_migration", 1),
        call("reset_state", "active"),
    ],
    ids=["migrate", "live-migrate", "evacuate", "offload", "abort", "force-complete", "reset"],
)
def test_what_takes_an_administrator_is_refused_to_others(rig: Rig, ask: Ask) -> None:
    user = rig.as_user("alice", "wonderland").servers
    server = user.create()
    before = rig.servers.show(server)
    with pytest.raises(Forbidden, match="alice"):
        ask(user, server)
    assert rig.servers.show(server) == before


def test_a_user_resizes_and_shelves_servers_of_ones_own_only(rig: Rig) -> None:
    mine = rig.as_user("alice", "wonderland").servers
    others = rig.as_user("bob", "elsewhere").servers
    server = mine.create()
    for ask in (others.confirm_resize, others.revert_resize, others.shelve, others.unshelve):
        with pytest.raises(NotFound):
            ask(server)
    with pytest.raises(NotFound):
        others.resize(server, "2")
    assert mine.confirm_resize(mine.resize(server, "2")).status == "ACTIVE"
    assert mine.unshelve(mine.shelve(server)).status == "ACTIVE"


@pytest.mark.parametrize("ask", [resize("2"), call("shelve"), call("confirm_resize")])
def test_a_locked_server_does_not_move(rig: Rig, ask: Ask) -> None:
    user = rig.as_user("alice", "wonderland").servers
    server = user.create()
    rig.servers.lock(server, "audit")
    with pytest.raises(Conflict, match="is locked \\(audit\\)"):
        ask(user, server)


def test_a_flavor_is_large_enough_for_the_image(rig: Rig) -> None:
    image = rig.images.create("demanding", id="demanding", min_ram=256)
    before = rig.servers.create(image=image.id, host="cell1-host1")
    with pytest.raises(Invalid, match="memory"):
        rig.servers.resize(before, "dry")
    assert is_as_before(rig, before)


# -- what only others can refuse -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["migrate", "resize", "live-migrate", "force"])
def test_a_move_for_which_there_is_no_host_leaves_the_server_as_it_is(rig: Rig, kind: str) -> None:
    before = rig.servers.create(host="cell1-host1")
    if kind == "resize":
        rig.servers.resize(before, "huge")
    elif kind == "force":
        fill(rig, "cell1-host2")
        rig.servers.live_migrate(before, "cell1-host2", force=True)
    else:
        for host in ("cell1-host2", "cell1-host3"):
            rig.services.disable(host)
        to(kind, None)(rig.servers, before)
    assert is_as_before(rig, before)
    assert "no valid host was found" in told(rig.servers.show(before))
    assert move_of(rig, before).status == MigrationStatus.ERROR
    assert held(rig, before) == {"cell1-host1": TINY}
    assert guests(rig, before) == ["cell1-host1"]


def fill(rig: Rig, host: str) -> None:
    """Let nothing be left of a host's memory."""
    while rig.servers.create(host=host, flavor="4").status != "ERROR":
        pass


@pytest.mark.parametrize(
    ("capability", "kind", "words"),
    [
        ("cold_migration", "migrate", "cannot move it"),
        ("live_migration", "live-migrate", "does not support live migration"),
        ("evacuate", "evacuate", "cannot take it in"),
    ],
)
def test_a_capability_that_is_missing_leaves_the_server_on_its_host(
    rig_factory: RigFactory, capability: str, kind: str, words: str
) -> None:
    cannot = {"capabilities": {capability: False}}
    hosts = [Host("cell1-host1"), Host("cell1-host2", options=cannot)]
    rig = rig_factory(Topology(cells=[Cell("cell1", hosts)]))
    before = rig.servers.create(host="cell1-host1")
    if kind == "evacuate":
        dead(rig, before)
    to(kind, None)(rig.servers, before)
    server = rig.servers.show(before)
    assert (server.host, server.task_state) == ("cell1-host1", None)
    if kind != "evacuate":
        assert server.status == "ACTIVE"
        assert rig.servers.actions(before)[0].message == "Error"
    assert words in told(server)
    assert holders(rig) == 1
    assert guests(rig, before) == ["cell1-host1"]
    rig.services.force_down("cell1-host1", False)


# -- reset state -----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["active", "error"])
def test_a_state_is_reset_without_touching_the_guest(rig: Rig, state: str) -> None:
    server = rig.servers.create(host="cell1-host1")
    before = len(seams(rig, "driver.*"))
    server = rig.servers.reset_state(server, state)
    assert (server.status, server.task_state) == (state.upper(), None)
    assert len(seams(rig, "driver.*")) == before
    assert rig.servers.reset_state(server, "active").status == "ACTIVE"


def test_a_task_that_hangs_is_reset(rig: Rig) -> None:
    server = rig.servers.create(host="cell1-host1")
    hold = rig.faults.hold("driver.reboot")
    with rig.holding():
        rig.servers.reboot(server)
        rig.settle()
        assert rig.servers.reset_state(server, "active").task_state is None
        hold.release()
        rig.settle()
    assert rig.servers.show(server).status == "ACTIVE"


def test_a_server_that_is_reset_while_it_moves_moves_no_second_time_until_that_has_ended(
    rig: Rig,
) -> None:
    server = rig.servers.create(host="cell1-host1")
    hold = rig.faults.hold("driver.live_migration")
    with rig.holding():
        rig.servers.live_migrate(server)
        rig.settle()
        rig.servers.reset_state(server, "active")
        for ask in (to("migrate", None), to("live-migrate", None), resize("2")):
            with pytest.raises(Conflict, match="is still being moved: live-migration"):
                ask(rig.servers, server)
        hold.release()
        rig.settle()
    server = rig.servers.show(server)
    assert (server.status, server.host) == ("ACTIVE", "cell1-host2")
    assert rig.servers.migrate(server).status == "VERIFY_RESIZE"
