"""What the holder of an application credential may ask, where its user has said it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from cellrig.identity.types import AccessRule

#: Other types under which a service is in the catalog.
_ALIASES = {"block-storage": "volume", "block-store": "volume", "volumev3": "volume"}
_WORDS = re.compile(r"(\*\*|\*|\{[^}]*\})")


def are_kept(rules: Iterable[AccessRule], service: str, method: str, path: str) -> bool:
    """Whether one of the rules allows a request.

    Args:
        rules: those of the credential.
        service: the type of the service that is asked.
        method: of the request.
        path: of the request, below the service's root.
    """
    return any(
        rule.method == method
        and service in (rule.service, _ALIASES.get(rule.service))
        and _pattern(rule.path).fullmatch(path) is not None
        for rule in rules
    )


@lru_cache(maxsize=512)
def _pattern(path: str) -> re.Pattern[str]:
    """Return what a rule's path stands for: ``*`` and ``{name}`` one segment, ``**`` any number."""
    parts = _WORDS.split(path)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = (".*" if word == "**" else "[^/]+" for word in parts[1::2])
    return re.compile("".join(parts))
