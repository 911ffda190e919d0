"""Making the project of a driver: a package that installs, is found, and conforms."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

from cellrig.errors import Invalid
from cellrig.scaffold.texts import TEXTS

__all__ = ["make_driver_project"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MODULES = ("__init__.py", "conformance.py", "driver.py", "hypervisor.py")
_TEMPLATE = "cellrig.scaffold.template"


def make_driver_project(name: str, directory: Path) -> tuple[Path, ...]:
    """Write the project of a driver into a directory that is empty or not there yet.

    Args:
        name: what topologies will call the driver: small letters, digits, underscores.
        directory: where.

    Returns:
        The files, in order.

    Raises:
        Invalid: the name or the directory will not do; nothing has been written.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise Invalid(f"{name!r} cannot name a driver: it takes small letters, digits and _")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Invalid(f"{directory} is not an empty directory")
    contents = {path: _named(text, name) for path, text in TEXTS.items()}
    for module in _MODULES:
        source = files(_TEMPLATE).joinpath(module).read_text(encoding="utf-8")
        contents[f"src/cellrig_NAME/{module}"] = _adapted(source, name)
    written = []
    for path, content in sorted(contents.items()):
        file = directory / path.replace("NAME", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        written.append(file)
    return tuple(written)


def _named(text: str, name: str) -> str:
    return (
        text.replace("NameDriver", f"{_class(name)}Driver")
        .replace("NAME", name)
        .replace("NameSetup", f"{_class(name)}Setup")
    )


def _adapted(source: str, name: str) -> str:
    return (
        source.replace(_TEMPLATE, f"cellrig_{name}")
        .replace("Template", _class(name))
        .replace("driver template", f"driver {name}")
        .replace('"template"', f'"{name}"')
    )


def _class(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_") if part)
