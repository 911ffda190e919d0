from __future__ import annotations

import pytest

from cellrig.flavors.comparisons import satisfies


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("ssd", "ssd"),
        ("5", "= 4"),
        ("4", "== 4.0"),
        ("5", "!= 4"),
        ("4", ">= 4"),
        ("4", "<= 4"),
        ("5", "> 4"),
        ("3", "< 4"),
        ("ssd", "s== ssd"),
        ("hdd", "s!= ssd"),
        ("b", "s> a"),
        ("b", "s>= b"),
        ("a", "s< b"),
        ("a", "s<= a"),
        ("gpu,nvme", "<in> nvme"),
        ("gpu,nvme", "<all-in> nvme gpu"),
        ("b", "<or> a <or> b"),
    ],
)
def test_a_value_that_fits_satisfies(value: str, wanted: str) -> None:
    assert satisfies(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("hdd", "ssd"),
        ("3", "= 4"),
        ("4.5", "== 4"),
        ("4", "!= 4"),
        ("many", ">= 4"),
        ("5", "<= 4"),
        ("4", "> 4"),
        ("4", "< 4"),
        ("10", "s== 10.0"),
        ("gpu", "<in> nvme"),
        ("gpu", "<all-in> nvme gpu"),
        ("c", "<or> a <or> b"),
    ],
)
def test_a_value_that_does_not_fit_does_not(value: str, wanted: str) -> None:
    assert not satisfies(value, wanted)
