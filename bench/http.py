"""What a served cloud gives: how soon it is ready, how many requests a second, how flat it stays.

Takes wrk (Debian's package of that name). Exit status 1 when a target is missed. The server and
wrk share the processors of one machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests

from bench.measure import machine, positive
from bench.report import Figure, Report, file_to_write
from cellrig.cli.screen import Screen

TOPOLOGY = "cells: [{name: a, hosts: 2}, {name: b, hosts: 2}, {name: c, hosts: 2}]\n"
PASSWORD = "bench"  # noqa: S105 - of a cloud that lives as long as this process
CONNECTIONS = (1, 8, 32)
LISTED = 1_000
#: Requests after which memory is compared.
MANY = 100_000
_SCRIPT = Path(__file__).with_name("http_load.lua")
_VERSION = {"OpenStack-API-Version": "compute 2.100"}
#: What is installed has been compiled by whoever has installed it. A checkout is compiled when it
#: is first imported, unless this variable forbids to keep that: then each start compiles it anew.
_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}


class Load(msgspec.Struct, frozen=True):
    """What wrk has measured.

    Args:
        requests, seconds: answered, in this time.
        p50_ms, p99_ms: half of them, and all but one in a hundred, took no longer.
        refused: answers with a status of 400 or more.
        broken: connections that failed, and answers that did not come.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Served:
    """A running ``cellrig serve``, and an administrator who has signed in.

    Attributes:
        ready: seconds from the command to the line that says that it is ready.
    """

    def __init__(self, topology: Path) -> None:
        began = time.perf_counter()
        command = [str(Path(sys.executable).with_name("cellrig")), "serve"]
        self._process = subprocess.Popen(
            [*command, "--topology", str(topology), "--password", f"admin={PASSWORD}"],
            stdout=subprocess.PIPE,
            env=_ENVIRONMENT,
        )
        line = b"" if self._process.stdout is None else self._process.stdout.readline()
        self.ready = time.perf_counter() - began
        self.url = str(msgspec.json.decode(line)["url"])

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has had."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Return the memory that the server holds, in MiB."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the system does not say how much memory a process holds")

    def sign_in(self) -> None:
        """Sign in as the administrator."""
        domain = {"id": "default"}
        user = {"name": "admin", "password": PASSWORD, "domain": domain}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
        answer = requests.post(
            f"{self.url}/identity/v3/auth/tokens", json={"auth": auth}, timeout=60
        )
        answer.raise_for_status()
        self.token = answer.headers["X-Subject-Token"]
        self.project = str(answer.json()["token"]["project"]["id"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request; return the body of the answer.

        Raises:
            requests.HTTPError: it was refused.
        """
        answer = requests.request(
            method,
            f"{self.url}{path}",
            json=body,
            headers={"X-Auth-Token": self.token, **_VERSION},
            timeout=120,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def load(
        self, method: str, path: str, connections: int, seconds: float, body: Any = None
    ) -> Load:
        """Let wrk send one request again and again."""
        told = [] if body is None else [msgspec.json.encode(body).decode()]
        done = subprocess.run(
            [
                str(shutil.which("wrk")),
                *("-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s", "--timeout", "60s"),
                *("-s", str(_SCRIPT), f"{self.url}{path}", "--", method, self.token, *told),
            ],
            capture_output=True,
            check=True,
        )
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Load)

    def stop(self) -> None:
        """Stop it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=60)


@contextmanager
def served() -> Iterator[Served]:
    """Serve three cells with two hosts each."""
    with tempfile.TemporaryDirectory() as directory:
        topology = Path(directory) / "cloud.yaml"
        topology.write_text(TOPOLOGY)
        cloud = Served(topology)
        try:
            yield cloud
        finally:
            cloud.stop()


def readiness(runs: int) -> Iterator[Figure]:
    """Measure how soon a cloud answers."""
    wall, cpu = [], []
    with served():
        pass  # compiles what was changed since the last start; that is not measured
    for _ in range(runs):
        with served() as cloud:
            wall.append(cloud.ready)
            cpu.append(cloud.cpu_seconds())
    yield Figure(
        "cellrig serve: from the command to ready",
        "s",
        statistics.median(wall),
        statistics.median(cpu),
        runs,
        0.7,
    )


def loads(seconds: float) -> Iterator[Figure]:
    """Measure requests a second, and memory."""
    with served() as cloud:
        cloud.sign_in()
        asked = _server(cloud)
        one = cloud.ask("POST", "/compute/v2.1/servers", asked)["server"]["id"]
        yield from _at_each("GET a server", cloud, "GET", f"/compute/v2.1/servers/{one}", seconds)
        yield from _memory(cloud, f"/compute/v2.1/servers/{one}", seconds)
        many = {**asked["server"], "min_count": LISTED - 1, "max_count": LISTED - 1}
        cloud.ask("POST", "/compute/v2.1/servers", {"server": many})
        path = f"/compute/v2.1/servers?limit={LISTED}"
        if len(cloud.ask("GET", path)["servers"]) != LISTED:
            raise RuntimeError(f"there are not {LISTED:,} servers to list")
        yield from _at_each(f"list {LISTED:,} servers", cloud, "GET", path, seconds)
    with served() as cloud:
        cloud.sign_in()
        asked = _server(cloud)
        path = "/compute/v2.1/servers"
        yield from _at_each("POST a server", cloud, "POST", path, seconds, asked)


def _server(cloud: Served) -> dict[str, Any]:
    """Return what boots a small server, after letting the project have any number."""
    limits = {"instances": -1, "cores": -1, "ram": -1, "force": True}
    cloud.ask("PUT", f"/compute/v2.1/os-quota-sets/{cloud.project}", {"quota_set": limits})
    specs = {"name": "dot", "id": "dot", "vcpus": 1, "ram": 64, "disk": 0}
    cloud.ask("POST", "/compute/v2.1/flavors", {"flavor": specs})
    image = cloud.ask("GET", "/image/v2/images")["images"][0]["id"]
    server = {"name": "a", "flavorRef": "dot", "imageRef": image, "networks": "none"}
    return {"server": server}


def _at_each(
    name: str, cloud: Served, method: str, path: str, seconds: float, body: Any = None
) -> Iterator[Figure]:
    for connections in CONNECTIONS:
        before = cloud.cpu_seconds()
        load = cloud.load(method, path, connections, seconds, body)
        cpu = cloud.cpu_seconds() - before
        told = f"{name}, {connections} connection{'s' if connections > 1 else ''}"
        target = 1500 if name == "GET a server" and connections > 1 else None
        yield Figure(
            f"{told}: a second", "requests", load.rate, load.requests / cpu, 1, target, True
        )
        yield Figure(f"{told}: p50", "ms", load.p50_ms)
        yield Figure(f"{told}: p99", "ms", load.p99_ms)
        yield Figure(f"{told}: refused or broken", "requests", load.refused + load.broken, target=0)


def _memory(cloud: Served, path: str, seconds: float) -> Iterator[Figure]:
    before, answered = cloud.resident_mb(), 0
    while answered < MANY:
        answered += cloud.load("GET", path, 8, seconds).requests
    grown = cloud.resident_mb() - before
    yield Figure(f"memory after {answered:,} requests more", "MiB", grown, target=5)


def main() -> None:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write the figures there too"
    )
    parser.add_argument("--runs", type=positive, default=7, help="starts (default 7)")
    parser.add_argument("--seconds", type=positive, default=5, help="of each load (default 5)")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed (Debian has it in a package of this name)")
    before = machine()
    figures = (*readiness(arguments.runs), *loads(arguments.seconds))
    report = Report(figures, before, machine())
    report.show(Screen())
    if arguments.json is not None:
        report.write(arguments.json)
    sys.exit(1 if report.missed() else 0)


if __name__ == "__main__":
    main()
