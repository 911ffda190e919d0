"""Fuzzing is for whoever asks for it: ``pytest tests/fuzz``, not ``pytest``."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--max-examples",
        type=int,
        default=10,
        help="how many requests to make up for each operation in each microversion",
    )


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Collect nothing unless this folder, or something in it, was named."""
    here = Path(__file__).parent
    begin = config.invocation_params.dir
    named = (begin / argument.partition("::")[0] for argument in config.args)
    return None if any(path.resolve().is_relative_to(here) for path in named) else True
