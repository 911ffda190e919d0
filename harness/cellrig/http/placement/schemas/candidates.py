"""The query of allocation candidates, which grew with nearly every microversion."""

from __future__ import annotations

from cellrig.http.placement.schemas.parts import Definition, closed, query

_TEXT: Definition = {"type": "string"}
_LIMIT: Definition = {
    "limit": {"type": "string", "pattern": "^[1-9][0-9]*$", "minLength": 1, "maxLength": 18}
}
_POLICY: Definition = {"group_policy": {"type": "string", "enum": ["none", "isolate"]}}

#: What may follow a parameter's name to make it one of a group (granular requests).
NUMBERS = "[1-9][0-9]*"
NAMES = "[a-zA-Z0-9_-]{1,64}"


def _one_group(optional: Definition) -> Definition:
    return closed({"resources": _TEXT}, optional)


def _granular(names: tuple[str, ...], suffix: str, optional: Definition) -> Definition:
    return {
        **closed({}, optional),
        "patternProperties": {f"^{name}({suffix})?$": _TEXT for name in sorted(names)},
    }


_17 = {**_LIMIT, "required": _TEXT}
_21 = {**_17, "member_of": _TEXT}
_25 = {**_LIMIT, **_POLICY}
_35 = {**_25, "root_required": _TEXT}
_36 = {**_35, "same_subtree": _TEXT}
_THREE = ("resources", "required", "member_of")
_FOUR = (*_THREE, "in_tree")

LIST = {
    (1, 10): query(_one_group({})),
    (1, 16): query(_one_group(_LIMIT)),
    (1, 17): query(_one_group(_17)),
    (1, 21): query(_one_group(_21)),
    (1, 25): query(_granular(_THREE, NUMBERS, _25)),
    (1, 31): query(_granular(_FOUR, NUMBERS, _25)),
    (1, 33): query(_granular(_FOUR, NAMES, _25)),
    (1, 35): query(_granular(_FOUR, NAMES, _35)),
    (1, 36): query(_granular(_FOUR, NAMES, _36)),
}
