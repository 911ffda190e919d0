"""Many clients at once want the few VFs that there are, over HTTP.

``CELLRIG_LOAD_SECONDS`` says how long they go on; ``tox -e load`` lets them go on for 30 s and
shows what was asked, how often, and with what answer.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
import pytest
import requests

SECONDS = float(os.environ.get("CELLRIG_LOAD_SECONDS", "2"))
THREADS = 8
HOSTS, FUNCTIONS, VFS = 2, 2, 8
#: Each thread wants so many consumers with 1 to 3 VFs each: far more than there are.
CONSUMERS = 5
CONTESTED = str(UUID(int=1, version=4))

Held = dict[str, dict[str, int]]


class Log:
    """What one client asked: the statuses and the seconds that each kind of request took."""

    def __init__(self) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, other: Log) -> None:
        self.statuses.update(other.statuses)
        for kind, seconds in other.seconds.items():
            self.seconds[kind] += seconds

    def table(self, elapsed: float) -> str:
        every = [one for seconds in self.seconds.values() for one in seconds]
        rate = f"{len(every) / elapsed:.0f} a second, median {1000 * median(every):.1f} ms"
        lines = [f"{len(every)} requests in {elapsed:.1f} s: {rate}"]
        for kind, seconds in sorted(self.seconds.items()):
            told = ", ".join(
                f"{status}: {count}"
                for (of, status), count in sorted(self.statuses.items())
                if of == kind
            )
            lines.append(f"{kind:<22} median {1000 * median(seconds):6.1f} ms   {told}")
        return "\n".join(lines) + "\n"


class Client:
    """A connection of its own. An answer that is not expected fails the test."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers.update(
            {"X-Auth-Token": "admin", "OpenStack-API-Version": "placement 1.39"}
        )
        self.log = Log()

    def __call__(
        self, kind: str, method: str, path: str, body: Any = None, *, expect: tuple[int, ...]
    ) -> requests.Response:
        begin = time.perf_counter()
        answer = self._session.request(method, self._url + path, json=body, timeout=60)
        self.log.seconds[kind].append(time.perf_counter() - begin)
        self.log.statuses[kind, answer.status_code] += 1
        assert answer.status_code in expect, (kind, answer.status_code, answer.text)
        return answer

    def get(self, kind: str, path: str) -> Any:
        return self(kind, "GET", path, expect=(200,)).json()

    def generation(self, consumer: str) -> int | None:
        found = self.get("consumer", f"/allocations/{consumer}")
        generation: int | None = found.get("consumer_generation")
        return generation


def body_of(held: Held, generation: int | None) -> dict[str, Any]:
    return {
        "allocations": {uuid: {"resources": amounts} for uuid, amounts in held.items()},
        "project_id": "project",
        "user_id": "user",
        "consumer_generation": generation,
        "consumer_type": "INSTANCE",
    }


class Claimant:
    """One thread's client. What it holds is what the service has said yes to, and nothing else.

    Attributes:
        held: by consumer; nobody else writes these consumers.
        won: how many times it has written the consumer that all of them write.
    """

    def __init__(self, url: str, number: int, functions: list[str]) -> None:
        self.client = Client(url)
        self.held: dict[str, Held] = {}
        self.won = 0
        self._functions = functions
        self._random = random.Random(number)
        self._offers: list[Held] = []

    def run(self, until: float) -> None:
        acts: list[Callable[[], None]] = [self._ask, self._claim, self._claim, self._replace]
        acts += [self._move, self._release, self._contest, self._write_inventories]
        while time.monotonic() < until:
            self._random.choice(acts)()

    def _ask(self) -> None:
        amount = self._random.randint(1, 3)
        path = f"/allocation_candidates?resources=VCPU:1&resources1=SRIOV_NET_VF:{amount}&limit=10"
        answer = self.client.get("candidates", path)
        for summary in answer["provider_summaries"].values():
            for name, each in summary["resources"].items():
                assert each["used"] <= each["capacity"], (name, each)
        self._offers = [
            {uuid: one["resources"] for uuid, one in request["allocations"].items()}
            for request in answer["allocation_requests"]
        ]

    def _claim(self) -> None:
        """Take an offer, which others may have taken since."""
        if not self._offers or len(self.held) >= CONSUMERS:
            return
        consumer = str(UUID(int=self._random.getrandbits(128), version=4))
        offer = self._random.choice(self._offers)
        if self._random.random() < 0.5:
            path, body = f"/allocations/{consumer}", body_of(offer, None)
            answer = self.client("claim, PUT", "PUT", path, body, expect=(204, 409))
        else:
            body = {consumer: body_of(offer, None)}
            answer = self.client("claim, POST", "POST", "/allocations", body, expect=(204, 409))
        if answer.status_code == 204:
            self.held[consumer] = offer

    def _replace(self) -> None:
        """Hold another offer in place of what is held."""
        if not self._offers or not self.held:
            return
        consumer = self._random.choice(list(self.held))
        offer = self._random.choice(self._offers)
        body = body_of(offer, self.client.generation(consumer))
        path = f"/allocations/{consumer}"
        answer = self.client("replace", "PUT", path, body, expect=(204, 409))
        if answer.status_code == 204:
            self.held[consumer] = offer

    def _move(self) -> None:
        """Give all that a consumer holds to another, as a migration does."""
        if not self.held:
            return
        old = self._random.choice(list(self.held))
        new = str(UUID(int=self._random.getrandbits(128), version=4))
        body = {
            old: body_of({}, self.client.generation(old)),
            new: body_of(self.held[old], None),
        }
        answer = self.client("move", "POST", "/allocations", body, expect=(204, 409))
        if answer.status_code == 204:
            self.held[new] = self.held.pop(old)

    def _release(self) -> None:
        if not self.held:
            return
        consumer = self._random.choice(list(self.held))
        self.client("release", "DELETE", f"/allocations/{consumer}", expect=(204,))
        del self.held[consumer]

    def _contest(self) -> None:
        """Write the consumer that all threads write: of those who read the same, one may win."""
        wanted = {self._random.choice(self._functions): {"SRIOV_NET_VF": 1}}
        body = body_of(wanted, self.client.generation(CONTESTED))
        path = f"/allocations/{CONTESTED}"
        answer = self.client("contest", "PUT", path, body, expect=(204, 409))
        self.won += answer.status_code == 204

    def _write_inventories(self) -> None:
        path = f"/resource_providers/{self._random.choice(self._functions)}/inventories"
        body = self.client.get("inventories", path)
        if self._random.random() < 0.5:
            body["resource_provider_generation"] -= 1
            self.client("inventories, too late", "PUT", path, body, expect=(409,))
        else:
            self.client("inventories, in time", "PUT", path, body, expect=(200, 409))


class Watcher:
    """Looks at every inventory all the time."""

    def __init__(self, url: str, providers: list[str]) -> None:
        self.client = Client(url)
        self.fullest = 0
        self._providers = providers
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            for uuid, used in self.usages().items():
                path = f"/resource_providers/{uuid}/inventories"
                for name, one in self.client.get("watch", path)["inventories"].items():
                    capacity = int((one["total"] - one["reserved"]) * one["allocation_ratio"])
                    assert used[name] <= capacity, (uuid, name, used[name], capacity)
                self.fullest = max(self.fullest, used.get("SRIOV_NET_VF", 0))

    def stop(self) -> None:
        self._stopped.set()

    def usages(self) -> Held:
        return {
            uuid: self.client.get("watch", f"/resource_providers/{uuid}/usages")["usages"]
            for uuid in self._providers
        }


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Serve placement alone; it must have nothing to complain of and end when it is told to."""
    told = "from cellrig.cli import main; main(['serve', '--service', 'placement', '--port', '0'])"
    complaints = tmp_path / "stderr"
    with (
        complaints.open("wb") as stderr,
        subprocess.Popen(  # noqa: S603 - our own text
            [sys.executable, "-c", told], stdout=subprocess.PIPE, stderr=stderr
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield str(msgspec.json.decode(process.stdout.readline())["url"])
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
    assert complaints.read_text() == ""


def build_forest(client: Client) -> list[str]:
    """Create hosts with PFs below them; return the uuids of the PFs, then those of the hosts."""

    def create(name: str, parent: str | None, **totals: int) -> str:
        body = {"name": name, "parent_provider_uuid": parent}
        made = client("build", "POST", "/resource_providers", body, expect=(200,)).json()
        stock = {
            "resource_provider_generation": made["generation"],
            "inventories": {name: {"total": total} for name, total in totals.items()},
        }
        path = f"/resource_providers/{made['uuid']}/inventories"
        client("build", "PUT", path, stock, expect=(200,))
        return str(made["uuid"])

    hosts = [create(f"host{number}", None, VCPU=1000) for number in range(HOSTS)]
    functions = [
        create(f"host{number}-pf{pf}", host, SRIOV_NET_VF=VFS)
        for number, host in enumerate(hosts)
        for pf in range(FUNCTIONS)
    ]
    return functions + hosts


def test_scarce_vfs_are_never_given_twice_and_no_request_fails(url: str) -> None:
    client = Client(url)
    providers = build_forest(client)
    functions = providers[: HOSTS * FUNCTIONS]
    watcher = Watcher(url, providers)
    claimants = [Claimant(url, number, functions) for number in range(THREADS)]
    begin = time.monotonic()
    with ThreadPoolExecutor(THREADS + 1) as pool:
        watching = pool.submit(watcher.run)
        claiming = [pool.submit(claimant.run, begin + SECONDS) for claimant in claimants]
        for each in claiming:
            each.exception()  # only waits: the watcher is to be stopped whatever happened
        watcher.stop()
    elapsed = time.monotonic() - begin
    for each in [*claiming, watching]:
        each.result()

    held = [one for claimant in claimants for one in claimant.held.values()]
    contested = client.get("consumer", f"/allocations/{CONTESTED}")
    held += [{uuid: one["resources"] for uuid, one in contested["allocations"].items()}]
    sums = {uuid: Counter[str]() for uuid in providers}
    for each_held in held:
        for uuid, amounts in each_held.items():
            sums[uuid].update(amounts)
    assert {uuid: +Counter(used) for uuid, used in watcher.usages().items()} == sums
    assert contested["consumer_generation"] == sum(claimant.won for claimant in claimants)

    log = Log()
    for one in [watcher.client, *(claimant.client for claimant in claimants)]:
        log.add(one.log)
    sys.stdout.write(log.table(elapsed))
    # It was a fight: the VFs were all given, and some who wanted one did not get it.
    assert watcher.fullest == VFS
    assert log.statuses["claim, PUT", 409] + log.statuses["claim, POST", 409] > 0
