"""Who may sign in at a served cloud, with what passwords, from one start to the next."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cellrig.cli.sign_in_files import write_secret
from cellrig.errors import Invalid
from cellrig.identity import Identity
from cellrig.identity.accounts import Account, open_account
from cellrig.identity.passwords import matches

#: The names of the users, each in a project of the same name; the first is the administrator.
USERS = ("admin", "demo", "alt_demo")

_FILE = "passwords.json"


def check_users(passwords: Mapping[str, str]) -> None:
    """See that passwords are given to those whom there are.

    Raises:
        Invalid: one is given to somebody else.
    """
    for name in passwords:
        if name not in USERS:
            raise Invalid(f"a password was given to {name!r}; there are: {', '.join(USERS)}")


def accounts(given: Mapping[str, str], kept: Mapping[str, str]) -> tuple[Account, ...]:
    """Return who may sign in at a served cloud.

    Args:
        given: passwords that were given now.
        kept: those of an earlier start; those of the others are made up.
    """
    return tuple(
        Account(
            user=name,
            project=name,
            role="admin" if name == USERS[0] else "member",
            password=given.get(name) or kept.get(name) or secrets.token_urlsafe(12),
        )
        for name in USERS
    )


def open_accounts(
    identity: Identity, people: Sequence[Account], given: Mapping[str, str]
) -> tuple[Account, ...]:
    """Let everybody sign in who is to.

    A password that was given is a user's from now on. Of a user who has changed theirs since
    nobody knows it.

    Args:
        identity: where.
        people: who.
        given: passwords that were given now.

    Returns:
        The accounts, without the passwords that nobody knows.
    """
    return tuple(_opened(identity, account, account.user in given) for account in people)


def _opened(identity: Identity, account: Account, is_given: bool) -> Account:
    user, _project, is_new = open_account(identity, account)
    password = str(account.password)
    if is_new or (user.password is not None and matches(password, user.password)):
        return account
    if is_given:
        identity.set_password(user, password)
        return account
    return msgspec.structs.replace(account, password=None)


def check_known(people: Sequence[Account]) -> None:
    """See that all passwords are known, so that they can be written down for clients.

    Raises:
        Invalid: somebody has changed theirs.
    """
    for account in people:
        if account.password is None:
            raise Invalid(
                f"{account.user} has changed the password, so it cannot be written into a file; "
                f"--password {account.user}=PASSWORD sets it"
            )


def kept_passwords(directory: Path) -> dict[str, str]:
    """Return the passwords that an earlier start has kept in a directory.

    Raises:
        Invalid: they cannot be read.
    """
    path = directory / _FILE
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}") from error


def keep_passwords(directory: Path, people: Sequence[Account]) -> None:
    """Keep passwords, where only the owner can read them; before anybody has one of them.

    Raises:
        CannotWrite: says why.
    """
    known = {account.user: account.password for account in people}
    write_secret(directory / _FILE, msgspec.json.encode(known).decode())
