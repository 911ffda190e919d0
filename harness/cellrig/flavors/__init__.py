"""What a flavor and its extra specs ask of a host: read by the API, the scheduler and the hosts."""

from cellrig.flavors.resource_request import resources_of, validate_extra_specs

__all__ = ["resources_of", "validate_extra_specs"]
