"""Two placement services over the same cloud, asked the same things by turns."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from bench.measure import ROOT, Sample, Stopwatch
from bench.peers.placement_side import PUBLIC, tree, uuid_of

#: A method, a path with its query string, and a body.
Request = tuple[str, str, Any]

#: Places of the cards on the network that is asked for.
_PUBLIC_CARDS = (3, 5)


class Side:
    """One of the two, in a process of its own.

    Args:
        command: starts it; its first line of output is what it is called.

    Raises:
        RuntimeError: it does not start; what it said stands on stderr.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self.name = self._read().strip()

    def do(self, verb: str, argument: Any) -> Any:
        """Let it do something; return what it says."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened with a pipe
        self._process.stdin.write(f"{json.dumps([verb, argument])}\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def ask(self, *requests: Request) -> tuple[float, float]:
        """Put requests to it one after the other; return seconds, and seconds of processor.

        Raises:
            RuntimeError: one of them was refused: then the figure means nothing.
        """
        answers = self.do("ask", [[*request, False] for request in requests])
        if any(status >= 300 for _wall, _cpu, status, _size, _digest in answers):
            raise RuntimeError(f"{self.name} refused a request of the benchmark")
        return sum(answer[0] for answer in answers), sum(answer[1] for answer in answers)

    def look(self, request: Request) -> tuple[int, str]:
        """Return the size of an answer, and what is the same where answers say the same."""
        ((_wall, _cpu, _status, size, digest),) = self.do("ask", [[*request, True]])
        return size, digest

    def stop(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened with a pipe
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it was opened with a pipe
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._process.args)} ended")  # type: ignore[arg-type]
        return line


@contextmanager
def side(*command: str) -> Iterator[Side]:
    """Have a side for as long as the block runs."""
    started = Side(command)
    try:
        yield started
    finally:
        started.stop()


class Script:
    """The requests, the same for both: made one by one, never the same claim twice."""

    def __init__(self, hosts: int) -> None:
        self.hosts = hosts
        self._claims = 0
        self._queries = 0
        self._planted = hosts

    def query(self, limit: int | None) -> Request:
        """Return a query that has not been asked before: every one wants other amounts."""
        self._queries += 1
        target = (
            f"/allocation_candidates?resources=VCPU:1,MEMORY_MB:{512 + self._queries},DISK_GB:10"
            f"&resources1=SRIOV_NET_VF:1&required1={PUBLIC}&group_policy=none"
        )
        return "GET", target if limit is None else f"{target}&limit={limit}", None

    def claim(self) -> Request:
        """Return the claim of a new consumer, each on another host than the last."""
        number, host = self._claims, self._claims * 37 % self.hosts
        card = _PUBLIC_CARDS[number // self.hosts % 2]
        amounts = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 10}
        return self._claim({uuid_of(host, 0): amounts, uuid_of(host, card): {"SRIOV_NET_VF": 1}})

    def spread(self) -> list[Request]:
        """Return claims after which no two hosts are used alike."""
        return [
            self._claim({uuid_of(host, 0): {"MEMORY_MB": 1 + host}}) for host in range(self.hosts)
        ]

    def _claim(self, held: dict[str, dict[str, int]]) -> Request:
        self._claims += 1
        consumer = UUID(int=1 << 100 | self._claims, version=4)
        body = {
            "allocations": {uuid: {"resources": amounts} for uuid, amounts in held.items()},
            "project_id": "project",
            "user_id": "user",
            "consumer_generation": None,
        }
        return "PUT", f"/allocations/{consumer}", body

    def tree(self) -> list[Request]:
        """Return the requests that create one more host."""
        requests: list[Request] = []
        for each in tree(self._planted):
            path = f"/resource_providers/{each.uuid}"
            body: dict[str, Any] = {
                "name": each.name,
                "uuid": each.uuid,
                "parent_provider_uuid": each.parent,
            }
            requests.append(("POST", "/resource_providers", body))
            generation = 0
            if each.totals:
                inventories = {name: {"total": total} for name, total in each.totals.items()}
                body = {"resource_provider_generation": 0, "inventories": inventories}
                requests.append(("PUT", f"{path}/inventories", body))
                generation = 1
            if each.traits:
                body = {"resource_provider_generation": generation, "traits": list(each.traits)}
                requests.append(("PUT", f"{path}/traits", body))
        self._planted += 1
        return requests


class Contest:
    """Times both sides, by turns, so that whatever slows the machine down slows both."""

    def __init__(self, ours: Side, peer: Side) -> None:
        self.ours = ours
        self.peer = peer
        self._watches: dict[str, tuple[Stopwatch, Stopwatch]] = {}

    def run(self, step: str, *requests: Request) -> None:
        """Put requests to both, as one run of a step."""
        watches = self._watches.setdefault(step, (Stopwatch(), Stopwatch()))
        for each, watch in zip((self.ours, self.peer), watches, strict=True):
            watch.add(*each.ask(*requests))

    def compare(self, request: Request) -> int:
        """Return the size of our answer to a query.

        Raises:
            RuntimeError: the answers differ: then neither figure means anything.
        """
        (size, ours), (_size, peer) = self.ours.look(request), self.peer.look(request)
        if ours != peer:
            raise RuntimeError(f"{self.ours.name} and {self.peer.name} differ: {request[1]}")
        return size

    def steps(self) -> dict[str, tuple[Sample, Sample]]:
        """Return the medians of each step, ours and the peer's."""
        return {name: (a.median(), b.median()) for name, (a, b) in self._watches.items()}
