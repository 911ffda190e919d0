"""Takes hosts that can run the image (the field's ImagePropertiesFilter)."""

from __future__ import annotations

from collections.abc import Mapping

from cellrig.flavors.comparisons import satisfies
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState

_TYPE, _VERSION, _ARCHITECTURE = (
    "img_hv_type",
    "img_hv_requested_version",
    "hw_architecture",
)
_ARCHITECTURE_TRAITS = ("COMPUTE_ARCH_", "HW_ARCH_")


class ImagePropertiesFilter:
    """Compares image properties with the host's hypervisor.

    ``img_hv_type`` (one type), ``img_hv_requested_version`` (comparisons joined by commas, each
    must hold), ``hw_architecture`` (compared where the host's traits tell its architecture).
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the image has one of the properties."""
        properties = _properties(request)
        return any(each in properties for each in (_TYPE, _VERSION, _ARCHITECTURE))

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts with another hypervisor or architecture."""
        properties = _properties(request)
        wanted = properties.get(_TYPE)
        if wanted is not None and wanted.lower() != host.node.hypervisor_type.lower():
            return f"the image wants {_TYPE} {wanted!r}, the host has {host.node.hypervisor_type!r}"
        version = str(host.node.hypervisor_version)
        for comparison in filter(None, properties.get(_VERSION, "").split(",")):
            if not satisfies(version, _spaced(comparison)):
                return f"the image wants {_VERSION} {comparison.strip()!r}, the host has {version}"
        return _wrong_architecture(host.traits, properties.get(_ARCHITECTURE))


def _properties(request: HostRequest) -> Mapping[str, str]:
    return {} if request.spec.image is None else request.spec.image.properties


def _spaced(comparison: str) -> str:
    """`>=7` as `>= 7`: the field writes versions without the space."""
    comparison = comparison.strip()
    operand = comparison.lstrip("<>=!")
    return f"{comparison[: len(comparison) - len(operand)]} {operand}".strip()


def _wrong_architecture(traits: frozenset[str], wanted: str | None) -> str | None:
    told = sorted(
        {
            trait.removeprefix(prefix).lower()
            for trait in traits
            for prefix in _ARCHITECTURE_TRAITS
            if trait.startswith(prefix)
        }
    )
    if wanted is None or not told or wanted.lower() in told:
        return None
    return f"the image wants {_ARCHITECTURE} {wanted!r}, the host has {', '.join(told)}"
