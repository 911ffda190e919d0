"""The two files that tell clients how to sign in: openrc for shells, clouds.yaml for libraries."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from cellrig.errors import CellrigError
from cellrig.identity.accounts import Account

REGION = "RegionOne"


class CannotWrite(CellrigError):
    """A file cannot be written. Args: its path, why not."""

    template = "cannot write {0}: {1}"


def openrc(auth_url: str, accounts: Sequence[Account]) -> str:
    """Return what a shell sources to sign in.

    Args:
        auth_url: of the identity service.
        accounts: who may sign in; the first, unless ``CELLRIG_USER`` names another.
    """
    first, names = accounts[0].user, ", ".join(account.user for account in accounts)
    lines = [
        f"# Whom to sign in as: {first}, or the one whom CELLRIG_USER names ({names}).",
        f'case "${{CELLRIG_USER:-{first}}}" in',
    ]
    for account in accounts:
        lines += [
            f"{account.user})",
            f"    export OS_USERNAME={shlex.quote(account.user)}",
            f"    export OS_PASSWORD={shlex.quote(account.password or '')}",
            f"    export OS_PROJECT_NAME={shlex.quote(account.project)}",
            "    ;;",
        ]
    lines += [
        f'*) echo "there is no account $CELLRIG_USER; there are: {names}" >&2 ;;',
        "esac",
        f"export OS_AUTH_URL={shlex.quote(auth_url)}",
        "export OS_AUTH_TYPE=password",
        "export OS_IDENTITY_API_VERSION=3",
        "export OS_USER_DOMAIN_NAME=Default",
        "export OS_PROJECT_DOMAIN_NAME=Default",
        f"export OS_REGION_NAME={REGION}",
        "export OS_INTERFACE=public",
    ]
    return "\n".join(lines) + "\n"


def clouds_yaml(auth_url: str, accounts: Sequence[Account]) -> str:
    """Return a ``clouds.yaml``: the first account's cloud is ``cellrig``, others' ``cellrig-USER``.

    Args:
        auth_url: of the identity service.
        accounts: who may sign in.
    """
    import yaml

    clouds = {}
    for number, account in enumerate(accounts):
        clouds["cellrig" if number == 0 else f"cellrig-{account.user}"] = {
            "auth": {
                "auth_url": auth_url,
                "username": account.user,
                "password": account.password,
                "project_name": account.project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": REGION,
            "interface": "public",
            "identity_api_version": 3,
        }
    return yaml.safe_dump({"clouds": clouds}, sort_keys=False)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Raises:
        CannotWrite: says why.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise CannotWrite(path, error.strerror or error) from error
