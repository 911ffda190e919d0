"""A fault that cannot be is refused when it is set, with one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cellrig.driver.errors import GuestNotFound
from cellrig_faults import Fault, Faults, InvalidFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugins.conftest import SmallCloud


class NeedsTwo(Exception):
    """Cannot be copied: its arguments are not those it was made of."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


REFUSED: list[tuple[Callable[[Faults], object], str]] = [
    (lambda f: f.fail("driver.spwan"), "no seam matches 'driver.spwan'; is driver.spawn"),
    (lambda f: f.fail("xyz.*"), "no seam matches 'xyz..'; they begin with bus., driver., image.,"),
    (lambda f: f.fail("bus.scheduler.build_*"), "no seam matches 'bus.scheduler.build_"),
    (lambda f: f.fail("db.cell7.*"), "no seam matches 'db.cell7"),
    (lambda f: f.fail("bus.compute.build"), "is .*bus.compute.build_and_run_instance.* meant"),
    (lambda f: f.fail(""), "'' was given as a seam"),
    (lambda f: f.fail("driver.spawn", hots="x"), "takes no 'hots' .is 'host' meant"),  # type: ignore[call-arg]
    (lambda f: f.fail("driver.spawn", nth=0), "nth was given as 0"),
    (lambda f: f.fail("driver.spawn", times=True), "times was given as True"),
    (lambda f: f.fail("driver.spawn", nth=1, from_nth=2), "nth=1 and from_nth=2"),
    (lambda f: f.fail("driver.spawn", nth=1, times=2), "nth=1 is one passage, times=2"),
    (lambda f: f.fail("driver.spawn", probability=0), "probability was given as 0"),
    (lambda f: f.fail("driver.spawn", probability=1.5), "probability was given as 1.5"),
    (lambda f: f.fail("driver.spawn", probability=float("nan")), "probability was given as nan"),
    (lambda f: f.fail("driver.spawn", when=3), "when was given as 3"),  # type: ignore[arg-type]
    (
        lambda f: f.fail("driver.spawn", cell="cell9"),
        "no cell 'cell9' .is 'cell.' meant.*are cell0, cell1",
    ),
    (lambda f: f.fail("driver.spawn", cell="api"), "there is no cell 'api'"),
    (lambda f: f.fail("driver.spawn", host="host1"), "no host 'host1' .is 'cell1-host1' meant"),
    (lambda f: f.fail("driver.spawn", service="nova-compute"), "no service 'nova-compute'"),
    (lambda f: f.fail("driver.spawn", server=7), "server was given as 7"),
    (lambda f: f.fail("driver.spawn", "no"), "'no' was given as the error"),  # type: ignore[arg-type]
    (lambda f: f.fail("driver.spawn", KeyboardInterrupt), "given as the error"),  # type: ignore[arg-type]
    (lambda f: f.fail("driver.spawn", StopIteration), "given as the error"),
    (lambda f: f.fail("driver.spawn", GuestNotFound), "made without arguments: give an object"),
    (lambda f: f.fail("driver.spawn", NeedsTwo("a", "b")), "NeedsTwo cannot be copied"),
    (lambda f: f.delay("driver.spawn", 0), "a delay of 0 was given"),
    (lambda f: f.delay("driver.spawn", float("inf")), "a delay of inf was given"),
    (lambda f: f.drop_reply("driver.spawn"), "only calls over the bus have a reply"),
    (lambda f: f.drop_reply("bus.compute.build_and_run_instance"), "which is a cast"),
    (lambda f: f.take_down("cell2"), "'cell2' is no cell or database .is 'cell"),
    (lambda f: f.bring_back_at("driver.spawn", "cell2"), "'cell2' is no cell or database"),
    (lambda f: f.expect("Error"), "'Error' was given as the error expected"),  # type: ignore[arg-type]
    (lambda f: f.add(Fault(seam="driver.spawn", action="fail")), "'fail' was given as what"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("verb", "told"), REFUSED)
def test_what_cannot_be_is_refused_at_once_and_nothing_is_set(
    cloud: SmallCloud, verb: Callable[[Faults], object], told: str
) -> None:
    with pytest.raises(InvalidFault, match=told):
        verb(cloud.faults)
    cloud.boot("a")
    assert cloud.hypervisors["cell1-host1"].guests == ["a"]


def test_a_server_can_be_given_as_anything_that_has_a_uuid(cloud: SmallCloud) -> None:
    class Server:
        uuid = "a"

    where: dict[str, Any] = {"server": Server()}
    rule = cloud.faults.delay("driver.spawn", 1, **where)
    cloud.boot("b")
    cloud.boot("a")
    assert [passed.server for passed in rule.passages] == ["a"]
