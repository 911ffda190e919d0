"""The versions of the image API."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.image.face import NEWEST, ImageCall


def _versions(call: ImageCall) -> dict[str, Any]:
    """All of them, the newest first; they are one API, to which things have been added."""
    return {
        "versions": [
            {
                "id": f"v2.{minor}",
                "status": "CURRENT" if minor == NEWEST else "SUPPORTED",
                "links": [{"rel": "self", "href": f"{call.origin}{call.base}/v2/"}],
            }
            for minor in range(NEWEST, -1, -1)
        ]
    }


def choose_version(call: ImageCall) -> Answer:
    """List the versions of the API, to choose from."""
    return Answer(300, _versions(call))


def list_versions(call: ImageCall) -> Answer:
    """List the versions of the API."""
    return Answer(body=_versions(call))
