"""Comparing two domains: what a person wants to know is where they differ."""

from __future__ import annotations

from collections.abc import Iterator

from lxml.etree import _Element


def differences(one: _Element, other: _Element) -> tuple[str, ...]:
    """Say where two documents differ, a line each, by path; empty where they are the same.

    The order of attributes and white space between elements do not count; the order of elements
    does.

    Args:
        one: what is wanted.
        other: what is there.
    """
    return tuple(_differences(one, other, f"/{one.tag}"))


def _differences(one: _Element, other: _Element, path: str) -> Iterator[str]:
    if one.tag != other.tag:
        yield f"{path}: <{one.tag}> against <{other.tag}>"
        return
    for name in sorted({*map(str, one.attrib), *map(str, other.attrib)}):
        if one.get(name) != other.get(name):
            yield f"{path}/@{name}: {one.get(name)!r} against {other.get(name)!r}"
    mine, theirs = (one.text or "").strip(), (other.text or "").strip()
    if mine != theirs:
        yield f"{path}: {mine!r} against {theirs!r}"
    ours, others = list(one), list(other)
    for left, right in zip(ours, others, strict=False):
        yield from _differences(left, right, f"{path}/{_step(left, ours)}")
    for left in ours[len(others) :]:
        yield f"{path}/{_step(left, ours)}: is missing"
    for right in others[len(ours) :]:
        yield f"{path}/{_step(right, others)}: is not wanted"


def _step(element: _Element, siblings: list[_Element]) -> str:
    """Name an element as XPath does: with its number where there are several of its tag."""
    alike = [sibling for sibling in siblings if sibling.tag == element.tag]
    return f"{element.tag}[{alike.index(element) + 1}]" if len(alike) > 1 else str(element.tag)
