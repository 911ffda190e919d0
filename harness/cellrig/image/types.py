"""Images, their members, and what is asked of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

#: What images' data are hashed with, besides the MD5 that older clients look at.
HASH_ALGO = "sha512"


class ImageStatus(StrEnum):
    """What an image is doing (Image API, "Image statuses").

    Of these only an active image can be booted from. One that is deleted is no more.
    """

    QUEUED = "queued"
    SAVING = "saving"
    UPLOADING = "uploading"
    IMPORTING = "importing"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    KILLED = "killed"


class Visibility(StrEnum):
    """Who sees an image besides its owner.

    Everybody sees a public one; a community one everybody who knows its id; a shared one its
    members; a private one nobody.
    """

    PUBLIC = "public"
    COMMUNITY = "community"
    SHARED = "shared"
    PRIVATE = "private"


class StoredImage(msgspec.Struct, frozen=True):
    """An image.

    Args:
        status: an `ImageStatus`.
        disk_format, container_format: empty where they have not been said.
        size: bytes of its data.
        min_disk: GiB, min_ram: MiB that a flavor must have.
        properties: ``hw_*``, ``trait:*`` and the user's own.
        owner: a project; empty for the cloud's own.
        visibility: a `Visibility`.
        protected: it cannot be deleted.
        hidden: it is in no list that does not ask for it.
        tags: in alphabetical order.
        checksum, hash_value: the MD5 and the SHA-512 of its data, in hexadecimal digits; None
            where nobody keeps data of it.
        virtual_size: bytes that a guest sees; None where that is not known.
        created_at, updated_at: seconds since the epoch.
    """

    id: str
    name: str
    status: str = ImageStatus.ACTIVE.value
    disk_format: str = "qcow2"
    size: int = 0
    min_disk: int = 0
    min_ram: int = 0
    properties: dict[str, str] = {}
    container_format: str = "bare"
    owner: str = ""
    visibility: str = Visibility.PRIVATE.value
    protected: bool = False
    hidden: bool = False
    tags: tuple[str, ...] = ()
    checksum: str | None = None
    hash_value: str | None = None
    virtual_size: int | None = None
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def hash_algo(self) -> str:
        """What `hash_value` is of its data; empty where nobody keeps data of it."""
        return "" if self.hash_value is None else HASH_ALGO


class ImageChanges(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be different in an image; what is left out stays.

    Args: as in `StoredImage`; properties and tags are all that there will be.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    disk_format: str | msgspec.UnsetType = msgspec.UNSET
    container_format: str | msgspec.UnsetType = msgspec.UNSET
    min_disk: int | msgspec.UnsetType = msgspec.UNSET
    min_ram: int | msgspec.UnsetType = msgspec.UNSET
    properties: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    owner: str | msgspec.UnsetType = msgspec.UNSET
    visibility: str | msgspec.UnsetType = msgspec.UNSET
    protected: bool | msgspec.UnsetType = msgspec.UNSET
    hidden: bool | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class ImageSource(msgspec.Struct, frozen=True, kw_only=True):
    """What a service fills an image with.

    Args:
        disk_format: of the data.
        size: bytes of the data; of a file that is there, its own counts.
        min_disk: GiB that a root disk needs for it.
        path: a file with the data, which stays its maker's; None where there are none.
    """

    disk_format: str
    size: int
    min_disk: int = 0
    path: Path | None = None


class MemberStatus(StrEnum):
    """What a project says of an image that is shared with it."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ImageMember(msgspec.Struct, frozen=True):
    """A project that an image is shared with.

    Args:
        image_id: of the image.
        member_id: the project.
        status: a `MemberStatus`.
        created_at, updated_at: seconds since the epoch.
    """

    image_id: str
    member_id: str
    status: str
    created_at: float
    updated_at: float


class ImageImport(msgspec.Struct, frozen=True):
    """That staged data were let be an image's.

    Args:
        image_id: of the image.
        request_id, user_id: of the request that asked for it.
        imported_at: seconds since the epoch.
    """

    image_id: str
    request_id: str
    user_id: str
    imported_at: float


class ImageUsage(msgspec.Struct, frozen=True):
    """What the images of a project take.

    Args:
        count: how many there are.
        size: bytes of their data.
        uploading: how many are being filled.
        staged: bytes that wait to be imported.
    """

    count: int
    size: int
    uploading: int
    staged: int
