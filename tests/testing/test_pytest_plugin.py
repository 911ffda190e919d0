"""The pytest plugin, in runs of pytest inside the test."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from cellrig import Rig

pytest_plugins = ["pytester"]

BOOTS = """
    def test_boots(rig):
        assert rig.servers.create().status == "ACTIVE"
"""
TOPOLOGY = """
    import pytest
    from cellrig import Cell, Host, Topology
    THREE_CELLS = Topology(cells=[Cell("a", 1), Cell("b", 2), Cell("c", 3)])
"""


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Import all that a rig needs: a run inside a test forgets what it was first to import."""
    with Rig():
        pass


def test_the_rig_is_one_cell_of_two_hosts_where_nothing_is_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_default(rig):
            assert rig.host_names == ("cell1-host1", "cell1-host2")
            assert rig.servers.create().status == "ACTIVE"
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_the_marker_says_what_the_rig_is_built_from(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        TOPOLOGY
        + """
    pytestmark = pytest.mark.topology(THREE_CELLS, seed=7)

    def test_of_the_module(rig):
        assert len(rig.host_names) == 6
        assert rig.seed == 7

    @pytest.mark.topology(Topology(cells=[Cell("only", 1)]))
    def test_of_its_own(rig):
        assert rig.host_names == ("only-host1",)
        assert rig.seed == 7

    @pytest.mark.topology(plugins=["faults"], live=True)
    def test_with_arguments(rig):
        assert len(rig.host_names) == 6
        assert type(rig.runtime).__name__ == "LiveRuntime"
        assert rig.plugins.get_plugin("timeline") is None
    """
    )
    pytester.runpytest_inprocess("--strict-markers").assert_outcomes(passed=3)


def test_a_marker_that_cannot_be_is_one_clear_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        TOPOLOGY
        + """
    @pytest.mark.topology({"cells": 3})
    def test_no_topology(rig): ...

    @pytest.mark.topology(sead=3)
    def test_unknown(rig): ...

    @pytest.mark.topology(seed="3")
    def test_no_number(rig): ...

    @pytest.mark.topology(plugins="audit")
    def test_no_list(rig): ...

    @pytest.mark.topology(THREE_CELLS, THREE_CELLS)
    def test_two(rig): ...

    @pytest.mark.topology(Topology(cells=[Cell("cell0")]))
    def test_wrong(rig): ...
    """
    )
    result = pytester.runpytest_inprocess("-q")
    result.assert_outcomes(errors=6)
    for told in (
        "the marker topology: topology takes a cellrig.Topology, not {'cells': 3}",
        "the marker topology takes no 'sead'; it takes topology, seed, live, plugins, audit",
        "the marker topology: seed takes a whole number, not '3'",
        "the marker topology: plugins takes a list of the names of plugins, not 'audit'",
        "the marker topology takes one topology; more than one was given",
        "cell name 'cell0': takes a name without dots",
    ):
        assert told in result.stdout.str()


def test_a_failed_test_shows_what_happened_and_how_to_see_it_again(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("count", [2])
        def test_fails(rig, count):
            rig.faults.fail("driver.spawn", times=1)
            assert len(rig.servers.create(count=count)) == 3
        """
    )
    result = pytester.runpytest_inprocess("--cellrig-seed", "11")
    result.assert_outcomes(failed=1)
    told = result.stdout.str()
    assert "cellrig: --cellrig-seed=11" in told
    assert "cellrig: what happened at the seams" in told
    assert re.search(r"compute@cell1-host\d +driver\.spawn .* InjectedFault", told)
    assert "The order of tasks was drawn from the seed 11; the same again:" in told
    node = "'test_a_failed_test_shows_what_happened_and_how_to_see_it_again.py::test_fails[2]'"
    assert f"pytest {node} --cellrig-seed=11" in told


def test_the_line_that_replays_names_the_seed_of_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.topology(seed=13)
        def test_seeded(rig):
            assert rig.servers.list()

        def test_first_in_first_out(rig):
            assert rig.servers.list()

        @pytest.mark.topology(live=True, plugins=["audit"])
        def test_live(rig):
            assert rig.servers.list()
        """
    )
    told = pytester.runpytest_inprocess("--cellrig-driver=fake:vcpus=8").stdout.str()
    again = r"pytest \S+::test_{}"
    driver = "--cellrig-driver=fake:vcpus=8"
    assert re.search(f"{again.format('seeded')} {driver} --cellrig-seed=13\n", told)
    assert re.search(
        f"first-in first-out; the same again:\n{again.format('first_in_first_out')} {driver}\n",
        told,
    )
    assert re.search(f"cannot be run again.\n{again.format('live')} {driver}\n", told)
    assert "nothing was written down: the rig runs without the plugin 'timeline'" in told


def test_a_leak_is_an_error_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_leaks(rig):
            rig.placement.delete_allocations(rig.servers.create().id)

        @pytest.mark.topology(audit=False)
        def test_may_leak(rig):
            rig.placement.delete_allocations(rig.servers.create().id)
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_leaks*",
            "the rig was not clean when it ended:",
            "  - server * holds nothing; its flavor m1.tiny takes *",
            "*cellrig: what happened at the seams*",
        ]
    )


def test_a_leak_of_a_test_that_failed_is_shown_and_no_second_error(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_fails(rig):
            rig.placement.delete_allocations(rig.servers.create().id)
            assert False

        @pytest.mark.xfail(reason="known")
        def test_is_known_to_fail(rig):
            rig.placement.delete_allocations(rig.servers.create().id)
            assert False
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1, xfailed=1)
    result.stdout.fnmatch_lines(
        ["*cellrig: what the audit found at teardown*", "server * holds nothing; *"]
    )


def test_a_fixture_that_fails_shows_what_happened(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def server(rig):
            server = rig.servers.create()
            raise RuntimeError("the set-up fails")

        def test_with_server(server): ...
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the set-up fails*", "*cellrig: what*", "*driver.spawn*"])


def test_a_factory_makes_several_rigs_and_ends_them_all(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from cellrig_pytest import RigFactory

        made = []

        def test_two(rig_factory: RigFactory):
            first, second = rig_factory(seed=1), rig_factory(seed=1)
            made.extend([first, second])
            for rig in made:
                rig.placement.delete_allocations(rig.servers.create().id)

        def test_both_are_stopped():
            for rig in made:
                with pytest.raises(Exception):
                    rig.placement.list_allocations()

        def test_fails_with_two(rig_factory):
            rig_factory(); rig_factory()
            assert False
        """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2, errors=1, failed=1)
    told = result.stdout.str()
    assert len(re.findall(r"  - server \S+ \(ACTIVE\) .* holds nothing", told)) == 2
    assert "what happened at the seams (rig 2 of 2)" in told


def test_a_rig_that_the_test_has_stopped_is_no_trouble(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_stops(rig):\n    rig.stop()\n")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_driver_of_the_command_line_is_that_of_hosts_that_name_none(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        TOPOLOGY
        + """
    OWN = Host("own", driver="fake", options={"vcpus": 2})

    @pytest.mark.topology(Topology(cells=[Cell("cell1", hosts=[OWN, Host("other")])]))
    def test_driver(rig):
        shown = {node.host: node for node in rig.hypervisors.list()}
        assert (shown["own"].vcpus, shown["other"].vcpus) == (2, 5)

    def test_default(rig):
        assert {node.vcpus for node in rig.hypervisors.list()} == {5}
        assert len(rig.hypervisors.list()) == 4
    """
    )
    option = "--cellrig-driver=fake:vcpus=5,nodes=['{host}-a', '{host}-b'],numa_cells=2"
    pytester.runpytest_inprocess(option).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--cellrig-driver=nosuch", "*--cellrig-driver=nosuch: *nosuch*fake*"),
        ("--cellrig-driver=fake:vcpu=2", "*--cellrig-driver=fake:vcpu=2: *vcpu*"),
        ("--cellrig-driver=fake:vcpus=many", "*vcpus*many*whole number*"),
        ("--cellrig-driver=fake:vcpus", "*'vcpus' is no option of a driver*OPTION=VALUE*"),
        ("--cellrig-driver=fake:vcpus=[1", "*the value of vcpus cannot be read as YAML*"),
        ("--cellrig-seed=soon", "*'soon' is no seed: it takes a whole number, or 'random'*"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    pytester: pytest.Pytester, option: str, told: str
) -> None:
    pytester.makepyfile(BOOTS)
    result = pytester.runpytest_inprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])
    assert "Traceback" not in result.stderr.str()
    assert "INTERNALERROR" not in result.stderr.str() + result.stdout.str()


def test_a_random_seed_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_seed(rig):\n    assert rig.seed == -1\n")
    told = pytester.runpytest_inprocess("--cellrig-seed=random").stdout.str()
    header = re.search(r"cellrig: --cellrig-seed=(\d+)", told)
    assert header is not None
    assert f"assert {header[1]} == -1" in told
    assert f"--cellrig-seed={header[1]}" in told.split("the same again:")[1]


def test_the_same_seed_gives_the_same_events_and_another_one_others(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        def test_fingerprint(rig):
            rig.servers.create(count=4)
            rig.servers.create(count=4)
            with open("fingerprints", "a") as file:
                file.write(rig.timeline.fingerprint() + "\\n")
        """
    )
    for seed in ("3", "3", "4"):
        pytester.runpytest_inprocess(f"--cellrig-seed={seed}").assert_outcomes(passed=1)
    first, second, other = (pytester.path / "fingerprints").read_text().split()
    assert first == second
    assert first != other


def test_two_workers_have_rigs_of_their_own_and_one_seed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, time, pytest

        @pytest.mark.parametrize("number", range(8))
        def test_boots(rig, number):
            assert len(rig.servers.list()) == 0
            assert [s.status for s in rig.servers.create(count=3)] == ["ACTIVE"] * 3
            with open(os.environ["PYTEST_XDIST_WORKER"], "a") as file:
                file.write(f"{rig.seed}\\n")

        def test_fails(rig):
            rig.servers.create()
            assert False
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "--dist", "load", "--cellrig-seed=random")
    result.assert_outcomes(passed=8, failed=1)
    workers = [pytester.path / name for name in ("gw0", "gw1")]
    seeds = {line for worker in workers for line in worker.read_text().split()}
    (seed,) = seeds
    told = result.stdout.str()
    assert "driver.spawn" in told
    assert f"::test_fails --cellrig-seed={seed}" in told


def test_the_plugin_imports_nothing_of_cellrig_until_a_test_asks_for_a_rig() -> None:
    script = (
        "import sys, cellrig_pytest; "
        "print(*(n for n in sys.modules if n.startswith('cellrig') "
        "or n in ('sqlalchemy', 'msgspec', 'greenlet', 'stevedore', 'yaml')))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter, the script from above
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == {
        "cellrig_pytest",
        "cellrig_pytest.arguments",
        "cellrig_pytest.conformance",
        "cellrig_pytest.factory",
        "cellrig_pytest.fixtures",
        "cellrig_pytest.options",
        "cellrig_pytest.report",
    }
