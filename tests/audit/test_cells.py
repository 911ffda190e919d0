"""Invariant b: who is in which cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig import Rig
from cellrig.model import BuildRequest, RequestSpec, Server

if TYPE_CHECKING:
    from tests.audit.conftest import BrokenCloud


def test_a_server_in_two_cells_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.instances("cell2").create(broken.instances("cell1").get(server.id))
    assert (
        f"server {server.id} is in the databases of the cells cell1 and cell2; it can be in one "
        "only"
    ) in broken.findings()


def test_a_server_in_another_cell_than_its_mapping_names_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.api.instance_place(server.id, "cell2")
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} is in the database of cell cell1, its instance mapping names cell "
        "cell2"
    )


def test_a_deleted_server_in_another_cell_than_its_mapping_names_is_found(
    broken: BrokenCloud,
) -> None:
    server = broken.boot()
    broken.api.instance_place(server.id, "cell2")
    broken.api.instance_place(server.id, "cell1")
    broken.rig.servers.delete(server)
    assert broken.findings() == []
    broken.execute(
        "api", "UPDATE instance_mappings SET cell = 'cell2' WHERE instance_uuid = :u", u=server.id
    )
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} is in the database of cell cell1, its instance mapping names cell "
        "cell2"
    )


def test_a_server_without_an_instance_mapping_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.execute("api", "DELETE FROM instance_mappings")
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} is in the database of cell cell1, and has no instance mapping"
    )


def test_a_server_whose_mapping_names_no_cell_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.execute("api", "UPDATE instance_mappings SET cell = NULL")
    (finding,) = broken.findings()
    assert finding == (
        f"server {server.id} is in the database of cell cell1, its instance mapping names no cell"
    )


def test_a_mapping_to_a_cell_without_the_server_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.lose_guest(server)
    broken.rig.placement.delete_allocations(server.id)
    broken.instances("cell1").purge(server.id)
    (finding,) = broken.findings()
    assert finding == (
        f"the instance mapping of server {server.id} names cell cell1, whose database has no such "
        "server"
    )


def test_a_server_that_is_nowhere_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    broken.lose_guest(server)
    broken.rig.placement.delete_allocations(server.id)
    broken.instances("cell1").purge(server.id)
    broken.execute("api", "UPDATE instance_mappings SET cell = NULL")
    (finding,) = broken.findings()
    assert finding.startswith(f"server {server.id} is lost: nobody has deleted it")


def test_a_build_request_of_a_server_in_a_cell_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    _ask_again(broken, server)
    broken.api.instance_place(server.id, "cell1")
    _ask_again(broken, server)
    broken.execute("api", "UPDATE instance_mappings SET cell = 'cell1'")
    (finding,) = broken.findings()
    assert finding == (
        f"the build request of server {server.id} has outlived its build: the instance mapping "
        "names cell cell1"
    )


def test_a_build_request_beside_a_record_in_a_cell_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    _ask_again(broken, server)
    findings = broken.findings()
    assert (
        f"the build request of server {server.id} has outlived its build: the server is in the "
        "database of cell cell1"
    ) in findings
    broken.rig.crash("conductor")
    assert broken.findings() == []


def test_a_build_request_without_an_instance_mapping_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    _ask_again(broken, server)
    broken.execute("api", "DELETE FROM instance_mappings")
    assert (
        f"the build request of server {server.id} has no instance mapping beside it"
    ) in broken.findings()


def test_a_build_request_that_nobody_works_on_is_found(broken: BrokenCloud) -> None:
    broken.rig.crash("conductor")
    server = broken.rig.servers.create()
    assert broken.findings() == []
    broken.rig.cloud.bus.purge()
    assert broken.findings() == []
    with Rig(audit=False) as other:
        other.crash("conductor")
        lost = other.servers.create()
        other.cloud.bus.purge()
        other.cloud.start_super_conductor()
        other.settle()
        assert other.servers.show(lost).status == "ERROR"
        assert other.audit.findings() == []
    assert server.status == "BUILD"


def test_a_build_request_alone_is_found(broken: BrokenCloud) -> None:
    server = broken.boot()
    instance = broken.instances("cell1").get(server.id)
    broken.rig.servers.delete(server)
    broken.execute("api", "DELETE FROM instance_mappings")
    broken.execute("cell1", "DELETE FROM instances")
    _request(broken, BuildRequest(instance))
    (finding,) = broken.findings()
    assert finding == (
        f"build request of server {server.id} has outlived its build: no task, no message and no "
        "service that is down goes on with it"
    )


def _ask_again(broken: BrokenCloud, server: Server) -> None:
    """Bring a server's build request back, with a mapping that names no cell."""
    instance = broken.instances("cell1").get(server.id)
    broken.execute("api", "DELETE FROM instance_mappings")
    broken.execute("api", "DELETE FROM request_specs")
    _request(broken, BuildRequest(instance))


def _request(broken: BrokenCloud, request: BuildRequest) -> None:
    instance = request.instance
    spec = RequestSpec(
        instance_uuid=instance.uuid,
        project_id="admin",
        user_id="admin",
        flavor=instance.flavor,
        image=None,
    )
    broken.execute("api", "DELETE FROM request_specs")
    broken.requests.create([(request, spec)])
