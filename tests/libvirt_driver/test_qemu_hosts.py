"""Private hypervisors: apart from each other, and gone with who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from fleet import Fleet, file_volume
from waiting import wait_for

from cellrig.driver import GuestEventKind, HypervisorUnavailable, PowerState
from cellrig.runtime.live import LiveRuntime
from cellrig_libvirt.hosts import HostsUnavailable, LibvirtHosts

pytestmark = pytest.mark.usefixtures("qemu")

#: A test that dies while its hypervisors run a guest.
DYING = """
import logging, pathlib, sys, tempfile
sys.path.insert(0, {tests!r})
from fleet import Fleet
from cellrig.runtime.live import LiveRuntime
from cellrig_libvirt.hosts import LibvirtHosts

hosts = LibvirtHosts(2).__enter__()
fleet = Fleet(LiveRuntime(), pathlib.Path(tempfile.gettempdir()))
driver = fleet.driver(**hosts[0].options())
fleet.spawn(driver)
print(hosts.directory, *hosts.guest_processes(0), flush=True)
sys.stdin.read()
"""


def processes_of(directory: Path) -> list[int]:
    """The processes that name a directory in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if f"{directory}/".encode() in told:
            found.append(int(process.name))
    return found


def test_nothing_is_left_of_hosts_with_guests(tmp_path: Path) -> None:
    with LibvirtHosts(2) as hosts:
        fleet = Fleet(LiveRuntime(), tmp_path)
        for number in range(2):
            fleet.spawn(fleet.driver(f"host{number}", **hosts[number].options()))
        directory = hosts.directory
        assert len(processes_of(directory)) >= 4
    assert processes_of(directory) == []
    assert not directory.exists()
    for driver in fleet.drivers:
        driver.cleanup_host()
    fleet.runtime.close()
    with pytest.raises(HostsUnavailable, match="have ended"):
        hosts.stop_daemon(0)


def test_nothing_is_left_when_the_test_is_killed() -> None:
    script = DYING.format(tests=str(Path(__file__).parent / "support"))
    with subprocess.Popen(  # noqa: S603 - our own text
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as test:
        assert test.stdout is not None
        told, *guests = test.stdout.readline().split()
        directory = Path(told)
        assert [int(pid) for pid in guests if int(pid) in processes_of(directory)]
        test.send_signal(signal.SIGKILL)
        test.wait()
    wait_for(lambda: not directory.exists(), "the end of the directory")
    wait_for(lambda: not processes_of(directory), "the end of the processes")


def test_hosts_of_two_tests_never_meet() -> None:
    import libvirt

    with LibvirtHosts(2) as ours, LibvirtHosts(1) as theirs:
        uris = [ours[0].uri, ours[1].uri, theirs[0].uri]
        connections = [libvirt.open(uri) for uri in uris]
        identities = {each.getCapabilities().split("<uuid>")[1][:36] for each in connections}
        ports = {
            (host.directory / "config/libvirt/qemu.conf").read_text()
            for host in (ours[0], ours[1], theirs[0])
        }
        assert len(identities) == len(ports) == 3
        for connection in connections:
            connection.close()
    with pytest.raises(HostsUnavailable):
        _ = ours.directory


def test_a_daemon_that_comes_back_is_connected_again(tmp_path: Path) -> None:
    with LibvirtHosts(1) as hosts:
        fleet = Fleet(LiveRuntime(), tmp_path)
        driver = fleet.driver(**hosts[0].options())
        guest, doomed = fleet.spawn(driver), fleet.spawn(driver)
        hosts.stop_daemon(0)
        with pytest.raises(HypervisorUnavailable, match="host1"):
            driver.get_guest(guest.uuid)
        with pytest.raises(HypervisorUnavailable):
            driver.attach_volume(guest, file_volume(hosts.volumes))
        victim = next(
            pid
            for pid in hosts.guest_processes(0)
            if doomed.uuid.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        os.kill(victim, signal.SIGKILL)
        fleet.events.clear()
        for _time in range(2):  # the second finds it running
            hosts.start_daemon(0)
        assert driver.get_guest(guest.uuid).power_state is PowerState.RUNNING

        def told() -> dict[str, GuestEventKind]:
            return {event.uuid: event.kind for event in fleet.events}

        # What happened while nobody listened is told, and events come again. The daemon itself
        # takes the dead guest for a running one until it has looked after it.
        ends = (GuestEventKind.DIED, GuestEventKind.STOPPED)
        wait_for(lambda: told().get(doomed.uuid) in ends, "the end of a guest")
        assert driver.get_guest(doomed.uuid).power_state is not PowerState.RUNNING
        assert told()[guest.uuid] is GuestEventKind.RESUMED
        fleet.events.clear()
        # Unlike the end of a guest, a pause waits until the daemon has found the guest again.
        driver.pause(guest)
        wait_for(lambda: fleet.events, "an event")
        assert fleet.events[0].kind is GuestEventKind.PAUSED
        fleet.close()
        fleet.runtime.close()


def test_a_guest_of_a_dead_host_is_built_again_elsewhere(tmp_path: Path) -> None:
    with LibvirtHosts(2) as hosts:
        fleet = Fleet(LiveRuntime(), tmp_path)
        one, other = (fleet.driver(f"host{n}", **hosts[n].options()) for n in range(2))
        volume = file_volume(hosts.volumes)
        guest = fleet.spawn(one, volume)
        hosts.kill_host(0)
        with pytest.raises(HypervisorUnavailable):
            one.list_guests()
        there = msgspec.structs.replace(guest, node="host1")
        other.spawn(there, None, [volume], ())
        assert other.get_guest(guest.uuid).disk(serial=volume.serial).target == "sdb"
        # When the dead host is back it has the guest, shut down, until it is told to forget it.
        hosts.start_daemon(0)
        assert one.get_guest(guest.uuid).power_state is not PowerState.RUNNING
        one.destroy(guest, [volume])
        assert one.list_guests() == []
        fleet.close()
        fleet.runtime.close()


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from cellrig_libvirt import hosts as module

    monkeypatch.setattr(module, "_PATH", "/nowhere")
    with pytest.raises(HostsUnavailable, match="libvirt-daemon qemu-system-x86 qemu-utils"):
        LibvirtHosts(1).__enter__()
