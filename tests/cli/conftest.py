"""How the tests run the command: in their own process, its output piped."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from cellrig.cli import main


class Outcome(msgspec.Struct, frozen=True):
    """What a run of the command left."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return what runs the command with its arguments."""

    def call(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return call
