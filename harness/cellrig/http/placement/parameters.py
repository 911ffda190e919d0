"""What stands in query strings: amounts, traits, aggregates, each in its own little language."""

from __future__ import annotations

from typing import NamedTuple

from cellrig.http.errors import Refusal
from cellrig.http.uuids import canonical
from cellrig.http.versions import Version

_NEGATION = "!"
_ANY = "in:"


class Traits(NamedTuple):
    """What ``required`` says; see `cellrig.placement.types.RequestGroup`."""

    required: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()


class Aggregates(NamedTuple):
    """What ``member_of`` says; see `cellrig.placement.types.RequestGroup`."""

    member_of: tuple[frozenset[str], ...] = ()
    forbidden: frozenset[str] = frozenset()


def parse_resources(value: str) -> dict[str, int]:
    """Read ``VCPU:2,MEMORY_MB:1024``.

    Raises:
        Refusal: 400 for anything else, and for amounts below 1.
    """
    found: dict[str, int] = {}
    for item in value.split(","):
        name, _, text = item.partition(":")
        if not name or not text:
            raise Refusal(
                400,
                f"resources has {item or 'nothing'!r} in it; it is classes with their amounts, "
                "as in resources=VCPU:2,MEMORY_MB:1024",
            )
        try:
            amount = int(text)
        except ValueError as error:
            raise Refusal(
                400, f"resources asks for {text!r} of {name}; an amount is a whole number"
            ) from error
        if amount < 1:
            raise Refusal(400, f"resources asks for {amount} of {name}; the least amount is 1")
        found[name] = amount
    return found


def parse_required(name: str, values: list[str], version: Version) -> Traits:
    """Read traits: ``A,!B`` (``!`` since 1.22), ``in:A,B`` and repeated parameters since 1.39.

    Args:
        name: of the parameter, for the message.
        values: of all parameters of that name; before 1.39 the last one counts.
        version: what the request asks for.

    Raises:
        Refusal: 400 for an empty trait and for what the microversion does not have.
    """
    required: list[frozenset[str]] = []
    forbidden: set[str] = set()
    for value in values if version >= (1, 39) else values[-1:]:
        has_any = value.removeprefix(_NEGATION).startswith(_ANY)
        _refuse_trait(has_any and version < (1, 39), name, value, "in: came with 1.39")
        _refuse_trait(has_any and value.startswith(_NEGATION), name, value, "!in: is not taken")
        names = (value.removeprefix(_ANY) if has_any else value).split(",")
        items = [name.strip() for name in names]
        wanted = [item for item in items if not item.startswith(_NEGATION)]
        unwanted = [item[1:] for item in items if item.startswith(_NEGATION)]
        _refuse_trait("" in (*wanted, *unwanted), name, value, "a trait is empty")
        _refuse_trait(bool(unwanted) and has_any, name, value, "in: takes no forbidden traits")
        _refuse_trait(bool(unwanted) and version < (1, 22), name, value, "! came with 1.22")
        required += [frozenset(wanted)] if has_any else [frozenset({item}) for item in wanted]
        forbidden.update(unwanted)
    return Traits(tuple(required), frozenset(forbidden))


def parse_member_of(name: str, values: list[str], version: Version) -> Aggregates:
    """Read aggregates: ``uuid``, ``in:uuid,uuid``; ``!`` since 1.32; repeated since 1.24.

    Args: as `parse_required`.

    Raises:
        Refusal: 400 for what is no uuid and for what the microversion does not have.
    """
    if len(values) > 1 and version < (1, 24):
        raise Refusal(400, f"{name} is given {len(values)} times; more than once came with 1.24")
    wanted: list[frozenset[str]] = []
    forbidden: set[str] = set()
    for value in values:
        if value.startswith(_NEGATION) and version < (1, 32):
            raise Refusal(400, f"{name} is {value}; forbidden aggregates came with 1.32")
        bare = value.removeprefix(_NEGATION)
        uuids = bare.removeprefix(_ANY).split(",") if bare.startswith(_ANY) else [bare]
        for uuid in uuids:
            if canonical(uuid) is None:
                raise Refusal(
                    400, f"Invalid query string parameters: {name} has {uuid!r}, which is no uuid"
                )
        if value.startswith(_NEGATION):
            forbidden.update(uuids)
        else:
            wanted.append(frozenset(uuids))
    return Aggregates(tuple(wanted), frozenset(forbidden))


def _refuse_trait(wrong: bool, name: str, value: str, reason: str) -> None:
    if wrong:
        raise Refusal(400, f"Invalid query string parameters: {name} is {value!r}: {reason}")
