"""The libvirt driver: real hypervisors under the control plane.

It can be imported where libvirt-python is not installed; a host of it then says what to install.
`cellrig_libvirt.hosts` has private hypervisors for tests.
"""

from cellrig_libvirt.driver import LibvirtDriver
from cellrig_libvirt.options import LibvirtOptions

__all__ = ["LibvirtDriver", "LibvirtOptions"]
