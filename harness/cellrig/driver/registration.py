"""The check of a driver class when it registers: version, signatures, capabilities and methods."""

from __future__ import annotations

import inspect
from inspect import Parameter, Signature
from typing import Any

import msgspec

from cellrig.driver.capabilities import METHODS, Capabilities
from cellrig.driver.errors import InvalidDriver
from cellrig.driver.interface import ComputeDriver
from cellrig.driver.versions import HERE, Interface, adapted

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def check_driver(name: str, candidate: object, interface: Interface = HERE) -> type[ComputeDriver]:
    """Check that `candidate` fits the interface, and return it as a driver class.

    A driver of an older version is adapted before anything else is looked at.

    Args:
        name: what the driver is called, for the error.
        candidate: what the entry point led to.
        interface: what it is to fit.

    Raises:
        InvalidDriver: with a sentence for everything that does not fit.
    """
    if not (isinstance(candidate, type) and issubclass(candidate, ComputeDriver)):
        raise InvalidDriver(name, (f"{candidate!r} is not a subclass of ComputeDriver",))
    candidate = adapted(name, candidate, interface)
    misfits = [
        *_misfits_of_options(candidate),
        *_missing_methods(candidate),
        *_misfits_of_signatures(candidate),
        *_misfits_of_capabilities(candidate),
    ]
    if misfits:
        raise InvalidDriver(name, tuple(misfits))
    return candidate


def _misfits_of_options(driver: type[ComputeDriver]) -> list[str]:
    options = driver.Options
    if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
        return [f"Options is {options!r}, takes a msgspec.Struct"]
    required = [field.name for field in msgspec.structs.fields(options) if field.required]
    if required:
        return [f"every option needs a default; without one: {', '.join(required)}"]
    return []


def _missing_methods(driver: type[ComputeDriver]) -> list[str]:
    return [
        f"method {method}{_shown(getattr(ComputeDriver, method))} is missing"
        for method in sorted(driver.__abstractmethods__)
    ]


def _misfits_of_signatures(driver: type[ComputeDriver]) -> list[str]:
    misfits = []
    for name in _public_methods():
        here, needed = getattr(driver, name), getattr(ComputeDriver, name)
        if here is needed:
            continue
        if not callable(here):
            misfits.append(f"{name} is {here!r}, needed is a method")
        elif not _fits(inspect.signature(here), inspect.signature(needed)):
            misfits.append(f"method {name} is {name}{_shown(here)}, needed is {_shown(needed)}")
    return misfits


def _misfits_of_capabilities(driver: type[ComputeDriver]) -> list[str]:
    capabilities = driver.capabilities
    if not isinstance(capabilities, Capabilities):
        return [f"capabilities is {capabilities!r}, takes a Capabilities"]
    return [
        f"capability {capability} obliges method {method}, which is not there"
        for capability in capabilities.names()
        for method in METHODS.get(capability, ())
        if getattr(driver, method) is getattr(ComputeDriver, method)
    ]


def _public_methods() -> list[str]:
    return sorted(
        name
        for name in dir(ComputeDriver)
        if not name.startswith("_") and inspect.isfunction(getattr(ComputeDriver, name))
    )


def _fits(here: Signature, needed: Signature) -> bool:
    """Whether every call that `needed` allows, by position or by name, reaches `here` the same."""
    own, asked = _positional(here), _positional(needed)
    named = {each.name: each for each in (*own[len(asked) :], *_keyword_only(here))}
    pairs = [
        *zip(own, asked, strict=False),
        *((named.pop(each.name, None), each) for each in _keyword_only(needed)),
    ]
    for mine, wanted in pairs:
        if mine is None:
            return False
        if mine.name != wanted.name or mine.kind is Parameter.POSITIONAL_ONLY:
            return False
        if wanted.default is not Parameter.empty and mine.default is Parameter.empty:
            return False
    extra_has_defaults = all(each.default is not Parameter.empty for each in named.values())
    return len(own) >= len(asked) and extra_has_defaults


def _positional(signature: Signature) -> list[Parameter]:
    return [each for each in signature.parameters.values() if each.kind in _POSITIONAL]


def _keyword_only(signature: Signature) -> list[Parameter]:
    every = signature.parameters.values()
    return [each for each in every if each.kind is Parameter.KEYWORD_ONLY]


def _shown(method: Any) -> str:
    """The parameters without annotations, as an author would type them."""
    signature = inspect.signature(method)
    bare = [each.replace(annotation=Parameter.empty) for each in signature.parameters.values()]
    return str(Signature(bare))
