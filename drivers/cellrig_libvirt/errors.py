"""Libvirt's errors as those of the driver interface, and what surrounds every method."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from cellrig.driver import (
    METHODS,
    Guest,
    GuestNotFound,
    HypervisorError,
    HypervisorUnavailable,
)
from cellrig.driver.refusal import refuse

if TYPE_CHECKING:
    from cellrig_libvirt.host import LibvirtHost

D = TypeVar("D", bound="LibvirtHost")
P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def speaking(library: Any, host: str, uuid: str = "") -> Iterator[None]:
    """Let what libvirt and the tools beside it say in the block be the interface's errors.

    Args:
        library: the module `libvirt`.
        host: whose hypervisor it is.
        uuid: the guest that the block is about.

    Raises:
        GuestNotFound: libvirt has no such domain.
        HypervisorUnavailable: the connection is lost.
        HypervisorError: anything else, in the hypervisor's words.
    """
    try:
        yield
    except library.libvirtError as error:
        if error.get_error_code() == library.VIR_ERR_NO_DOMAIN:
            raise GuestNotFound(uuid) from error
        if is_lost(library, error):
            raise HypervisorUnavailable(host, str(error)) from error
        raise HypervisorError(str(error)) from error
    except subprocess.CalledProcessError as error:
        raise HypervisorError(f"{error.cmd[0]}: {error.stderr.strip()}") from error
    except OSError as error:
        raise HypervisorError(str(error)) from error


def is_lost(library: Any, error: Any) -> bool:
    """Whether an error says that the daemon is gone, and not that it refused."""
    origin, code = error.get_error_domain(), error.get_error_code()
    by_wire = origin in (library.VIR_FROM_REMOTE, library.VIR_FROM_RPC)
    if code in (library.VIR_ERR_NO_CONNECT, library.VIR_ERR_INVALID_CONN):
        return True
    return by_wire and code in (
        library.VIR_ERR_SYSTEM_ERROR,
        library.VIR_ERR_INTERNAL_ERROR,
        library.VIR_ERR_RPC,
    )


def spoken(method: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """Let a driver's method refuse what its host cannot do, and raise the interface's errors.

    The guest that an error is about is the method's first argument.
    """
    name = method.__name__
    needs = tuple(capability for capability, obliged in METHODS.items() if name in obliged)

    @functools.wraps(method)
    def surrounded(driver: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if needs and not any(getattr(driver.capabilities, each) for each in needs):
            refuse(driver, name, needs[0])
        subject = args[0] if args else kwargs.get("guest")
        uuid = subject.uuid if isinstance(subject, Guest) else str(subject)
        with speaking(driver.library, driver.context.host, uuid):
            return method(driver, *args, **kwargs)

    return surrounded
