"""The kinds of moves whose every seam is tried in the tests of faults and crashes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from cellrig import Cell, Host, Rig, Topology
from cellrig.compute.options import ComputeOptions
from cellrig.model import BlockDevice, SourceType

THREE = Topology(cells=[Cell("cell1", 3)])
ONE = Topology(cells=[Cell("cell1", 1)], compute=ComputeOptions(allow_resize_to_same_host=True))
#: The server's own cell has no other host, so it goes to the other one.
TWO_CELLS = Topology(
    cells=[Cell("cell1", 1), Cell("cell2", 2)],
    compute=ComputeOptions(allow_cross_cell_moves=True),
)
KEEPING_SHELVED = replace(THREE, compute=ComputeOptions(shelved_offload_time=-1))

#: Statuses of a server that has not moved, or whose move has come to its good end.
AT_REST = ("ACTIVE",)
MOVED = ("ACTIVE", "VERIFY_RESIZE")
SHELVED = ("ACTIVE", "SHUTOFF", "SHELVED", "SHELVED_OFFLOADED")


# -- the next move ---------------------------------------------------------------------------------


def migrate_and_confirm(rig: Rig, server: str) -> None:
    """Let a server have another host, for good."""
    rig.servers.migrate(server)
    rig.servers.confirm_resize(server)


def resize_and_confirm(rig: Rig, server: str) -> None:
    """Let a server have another size, for good."""
    rig.servers.resize(server, "m1.large")
    rig.servers.confirm_resize(server)


def live_migrate(rig: Rig, server: str) -> None:
    """Let a server have another host while it runs."""
    rig.servers.live_migrate(server)


class Kind(msgspec.Struct, frozen=True, eq=False):
    """A kind of move.

    Args:
        name: what it is called in the ids of tests.
        perform: asks for it, of the server with this id.
        is_done: whether it has come to its good end.
        prepare: brings the server to where the move begins.
        statuses: that the server may have afterwards, but for ERROR.
        topology: of the rig.
        boots_from_volume: of the server, which has another volume in any case.
        is_asked_again: by whoever is told that it has failed, because nobody else can end it.
        next_move: one that works afterwards.
        crosses: it goes from one cell to another, and what has died in it the super-conductor goes
            on with after a while.
    """

    name: str
    perform: Callable[[Rig, str], object]
    is_done: Callable[[Rig, str], bool]
    prepare: Callable[[Rig, str], object] = lambda _rig, _server: None
    statuses: tuple[str, ...] = MOVED
    topology: Topology = THREE
    boots_from_volume: bool = False
    is_asked_again: bool = False
    next_move: Callable[[Rig, str], None] = migrate_and_confirm
    crosses: bool = False

    def __str__(self) -> str:
        return self.name

    def ready(self, rig: Rig) -> str:
        """Make the server in `rig`, bring it to where the move begins, and return its id."""
        devices = [_root(rig)] if self.boots_from_volume else []
        host = rig.host_names[0]
        server = rig.servers.create(host=host, block_devices=devices)
        rig.servers.attach_volume(server, rig.volumes.create(size=1))
        self.prepare(rig, server.id)
        return server.id


def _root(rig: Rig) -> BlockDevice:
    volume = rig.volumes.create(size=1, image=rig.images.list()[0].id)
    return BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)


def _misbehaving(
    *behaviours: tuple[int, dict[str, object]], topology: Topology = THREE
) -> Topology:
    """Return three hosts of which some misbehave, each named by its number."""
    options: dict[int, dict[str, object]] = {number: {} for number in (1, 2, 3)}
    for number, given in behaviours:
        options[number].update(given)
    hosts = [Host(f"cell1-host{number}", options=options[number]) for number in (1, 2, 3)]
    return replace(topology, cells=[Cell("cell1", hosts=hosts)])


def _always(method: str, does: str = "fail") -> dict[str, object]:
    return {"behaviours": [{"on": method, "does": does, "error": "migration"}]}


# -- what is asked ---------------------------------------------------------------------------------


def _migrate(rig: Rig, server: str) -> object:
    return rig.servers.migrate(server)


def _resize(rig: Rig, server: str) -> object:
    return rig.servers.resize(server, "m1.small")


def _confirm(rig: Rig, server: str) -> object:
    return rig.servers.confirm_resize(server)


def _revert(rig: Rig, server: str) -> object:
    return rig.servers.revert_resize(server)


def _live_migrate(rig: Rig, server: str) -> object:
    return rig.servers.live_migrate(server)


def _abort(rig: Rig, server: str) -> object:
    """Begin a live migration that does not end by itself, and end it, if need be again."""
    with rig.holding():
        if not rig.migrations.in_progress(server):
            rig.servers.live_migrate(server)
            rig.settle()
    for _twice in range(2):
        for migration in rig.migrations.in_progress(server):
            rig.servers.abort_live_migration(server, migration.uuid)
    return None


def _evacuate(rig: Rig, server: str) -> object:
    return rig.servers.evacuate(server)


def _return(rig: Rig, server: str) -> object:
    """Let the host come back from which the server was evacuated."""
    host = rig.host_names[0]
    rig.services.force_down(host, False)
    rig.restart(host)
    return None


def _shelve(rig: Rig, server: str) -> object:
    return rig.servers.shelve(server)


def _offload(rig: Rig, server: str) -> object:
    return rig.servers.shelve_offload(server)


def _unshelve(rig: Rig, server: str) -> object:
    return rig.servers.unshelve(server)


def _stop(rig: Rig, server: str) -> object:
    return rig.servers.stop(server)


def _source_dies(rig: Rig, server: str) -> object:
    source = str(rig.servers.show(server).host)
    rig.crash(source)
    rig.services.force_down(source)
    return None


def source_returns(rig: Rig) -> None:
    """Let hosts that were declared dead be back, where there are any."""
    for service in rig.services.list():
        if service.forced_down:
            rig.services.force_down(str(service.host), False)
            rig.restart(str(service.host))


def _stop_and_migrate(rig: Rig, server: str) -> object:
    _stop(rig, server)
    return _migrate(rig, server)


def _evacuate_from_dead(rig: Rig, server: str) -> object:
    _source_dies(rig, server)
    return _evacuate(rig, server)


# -- what has come of it ---------------------------------------------------------------------------


def _awaits_confirmation(rig: Rig, server: str) -> bool:
    return rig.servers.show(server).status == "VERIFY_RESIZE"


def _is_at_rest(rig: Rig, server: str) -> bool:
    return rig.servers.show(server).status in ("ACTIVE", "SHUTOFF")


def _is_elsewhere(rig: Rig, server: str) -> bool:
    return rig.servers.show(server).host != rig.host_names[0] and _is_at_rest(rig, server)


def _is_shelved(rig: Rig, server: str) -> bool:
    return rig.servers.show(server).status == "SHELVED"


def _is_offloaded(rig: Rig, server: str) -> bool:
    return rig.servers.show(server).status == "SHELVED_OFFLOADED"


MIGRATE = Kind("migrate", _migrate, _awaits_confirmation)
MIGRATE_STOPPED = Kind(
    "migrate stopped",
    _migrate,
    _awaits_confirmation,
    prepare=_stop,
    statuses=("SHUTOFF", "VERIFY_RESIZE"),
)
#: The first host that is tried cannot take servers in.
MIGRATE_TWICE = replace(
    MIGRATE,
    name="migrate past a refusal",
    topology=_misbehaving((2, {"capabilities": {"cold_migration": False}})),
)
MIGRATE_IN_VAIN = replace(
    MIGRATE,
    name="migrate in vain",
    next_move=live_migrate,
    topology=_misbehaving((2, _always("finish_migration")), (3, _always("finish_migration"))),
)
RESIZE = Kind("resize", _resize, _awaits_confirmation)
RESIZE_IN_PLACE = replace(
    RESIZE, name="resize in place", topology=ONE, next_move=resize_and_confirm
)
CONFIRM = Kind("confirm", _confirm, _is_at_rest, prepare=_migrate)
CONFIRM_STOPPED = replace(
    CONFIRM,
    name="confirm stopped",
    prepare=_stop_and_migrate,
    statuses=("SHUTOFF", "VERIFY_RESIZE"),
)
CONFIRM_IN_PLACE = replace(
    CONFIRM,
    name="confirm in place",
    prepare=_resize,
    topology=ONE,
    next_move=resize_and_confirm,
)
REVERT = Kind("revert", _revert, _is_at_rest, prepare=_resize)
REVERT_IN_PLACE = replace(
    REVERT, name="revert in place", topology=ONE, next_move=resize_and_confirm
)
LIVE_MIGRATE = Kind("live-migrate", _live_migrate, _is_elsewhere, statuses=AT_REST)
#: The first host that is tried cannot take running servers in.
LIVE_MIGRATE_TWICE = replace(
    LIVE_MIGRATE,
    name="live-migrate past a refusal",
    topology=_misbehaving((2, _always("check_can_live_migrate_destination"))),
)
LIVE_MIGRATE_IN_VAIN = replace(
    LIVE_MIGRATE,
    name="live-migrate in vain",
    topology=_misbehaving((1, _always("live_migration"))),
)
ABORT = replace(
    LIVE_MIGRATE,
    name="abort a live migration",
    perform=_abort,
    is_done=_is_at_rest,
    topology=_misbehaving((1, _always("live_migration", "hold"))),
    is_asked_again=True,
)
EVACUATE = Kind(
    "evacuate",
    _evacuate,
    _is_elsewhere,
    prepare=_source_dies,
    statuses=AT_REST,
)
EVACUATE_IN_VAIN = replace(
    EVACUATE,
    name="evacuate in vain",
    topology=_misbehaving((2, _always("spawn")), (3, _always("spawn"))),
)
RETURN = Kind(
    "return",
    _return,
    _is_elsewhere,
    prepare=_evacuate_from_dead,
    statuses=AT_REST,
    is_asked_again=True,
)
SHELVE = Kind("shelve", _shelve, _is_offloaded, statuses=SHELVED)
SHELVE_HERE = replace(SHELVE, name="shelve here", is_done=_is_shelved, topology=KEEPING_SHELVED)
OFFLOAD = Kind(
    "offload",
    _offload,
    _is_offloaded,
    prepare=_shelve,
    statuses=("SHELVED", "SHELVED_OFFLOADED"),
    topology=KEEPING_SHELVED,
)
UNSHELVE = Kind(
    "unshelve",
    _unshelve,
    _is_at_rest,
    prepare=_shelve,
    statuses=("ACTIVE", "SHELVED_OFFLOADED"),
)
UNSHELVE_HERE = replace(
    UNSHELVE, name="unshelve here", statuses=("ACTIVE", "SHELVED"), topology=KEEPING_SHELVED
)


CROSS_MIGRATE = replace(MIGRATE, name="migrate across cells", topology=TWO_CELLS, crosses=True)
CROSS_CONFIRM = replace(CONFIRM, name="confirm across cells", topology=TWO_CELLS, crosses=True)
CROSS_REVERT = replace(REVERT, name="revert across cells", topology=TWO_CELLS, crosses=True)
#: No host of the other cell can bring the guest up; an image of it has been there.
CROSS_IN_VAIN = replace(
    CROSS_MIGRATE,
    name="migrate across cells in vain",
    next_move=resize_and_confirm,
    topology=replace(
        TWO_CELLS,
        cells=[Cell("cell1", 1), Cell("cell2", [Host("cell2-host1", options=_always("spawn"))])],
        compute=ComputeOptions(allow_cross_cell_moves=True, allow_resize_to_same_host=True),
    ),
)


def _booted_from_volume(kind: Kind) -> Kind:
    return replace(kind, name=f"{kind.name} from volume", boots_from_volume=True)


FROM_VOLUME = tuple(
    _booted_from_volume(kind)
    for kind in (
        MIGRATE,
        REVERT,
        LIVE_MIGRATE,
        EVACUATE,
        SHELVE,
        UNSHELVE,
        CROSS_MIGRATE,
        CROSS_REVERT,
    )
)

KINDS = (
    MIGRATE,
    MIGRATE_STOPPED,
    MIGRATE_TWICE,
    MIGRATE_IN_VAIN,
    RESIZE,
    RESIZE_IN_PLACE,
    CONFIRM,
    CONFIRM_STOPPED,
    CONFIRM_IN_PLACE,
    REVERT,
    REVERT_IN_PLACE,
    LIVE_MIGRATE,
    LIVE_MIGRATE_TWICE,
    LIVE_MIGRATE_IN_VAIN,
    ABORT,
    EVACUATE,
    EVACUATE_IN_VAIN,
    RETURN,
    SHELVE,
    SHELVE_HERE,
    OFFLOAD,
    UNSHELVE,
    UNSHELVE_HERE,
    CROSS_MIGRATE,
    CROSS_CONFIRM,
    CROSS_REVERT,
    CROSS_IN_VAIN,
    *FROM_VOLUME,
)

#: One of each sort, for what is tried in more than one way.
BASIC = (
    MIGRATE,
    CONFIRM,
    REVERT,
    LIVE_MIGRATE,
    EVACUATE,
    SHELVE,
    UNSHELVE,
)
