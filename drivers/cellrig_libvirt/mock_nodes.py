"""Nodes of libvirt's mock hypervisor, as the files that its URI names."""

from __future__ import annotations

from pathlib import Path

#: Of each card its physical function and its network interface; it has eight virtual functions.
CARDS = (("0000:81:00.0", "ens1f0"), ("0000:82:00.0", "ens2f0"))


def node_with_cards(directory: Path, *, name: str = "node", cells: int = 1) -> str:
    """Write a node with two network cards of eight virtual functions each; return its URI.

    It has 16 processors and 16 GiB.

    Args:
        directory: where.
        name: of the file, without its suffix.
        cells: NUMA cells; the second card hangs on the last one.
    """
    devices = "".join(
        _card(address, interface, cells - 1 if number else 0)
        for number, (address, interface) in enumerate(CARDS)
    )
    path = directory / f"{name}.xml"
    size = "<cpu><num>16</num></cpu><memory>16777216</memory>"
    path.write_text(f"<node>{size}{devices}</node>")
    return f"test://{path}"


def functions_of(address: str) -> list[str]:
    """Return the addresses of a card's virtual functions."""
    return [f"{address[:8]}02.{number}" for number in range(8)]


def _card(address: str, interface: str, numa_node: int) -> str:
    bus = int(address[5:7], 16)
    name = _name(address)
    functions = functions_of(address)
    listed = "".join(
        f"<address domain='0x0000' bus='0x{bus:02x}' slot='0x02' function='0x{number}'/>"
        for number in range(len(functions))
    )
    virtual = "".join(_function(each, address, number) for number, each in enumerate(functions))
    return f"""
      <device><name>{name}</name><parent>computer</parent>
        <capability type='pci'>
          <domain>0</domain><bus>{bus}</bus><slot>0</slot><function>0</function>
          <class>0x020000</class>
          <product id='0x1572'>card</product><vendor id='0x8086'>vendor</vendor>
          <capability type='virt_functions' maxCount='8'>{listed}</capability>
          <numa node='{numa_node}'/>
        </capability>
      </device>
      <device><name>net_{interface}</name><parent>{name}</parent>
        <capability type='net'>
          <interface>{interface}</interface><address>00:11:22:33:44:{bus:02x}</address>
        </capability>
      </device>
      {virtual}"""


def _function(address: str, card: str, number: int) -> str:
    bus = int(address[5:7], 16)
    return f"""
      <device><name>{_name(address)}</name><parent>{_name(card)}</parent>
        <capability type='pci'>
          <domain>0</domain><bus>{bus}</bus><slot>2</slot><function>{number}</function>
          <class>0x020000</class>
          <product id='0x154c'>function</product><vendor id='0x8086'>vendor</vendor>
          <capability type='phys_function'>
            <address domain='0x0000' bus='0x{bus:02x}' slot='0x00' function='0x0'/>
          </capability>
        </capability>
      </device>"""


def _name(address: str) -> str:
    return "pci_" + address.replace(":", "_").replace(".", "_")
