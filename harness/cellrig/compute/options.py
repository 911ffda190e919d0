"""How compute services do what a cloud may want in one way or another."""

from __future__ import annotations

import msgspec


class ComputeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options; names and meanings are those of the field's configuration.

    Args:
        allow_resize_to_same_host: a resize may end on the host where it began.
        allow_cross_cell_moves: a cold migration or a resize may end in another cell, where no host
            of the server's own takes it (the field has a policy for it, which refuses by default).
        resize_confirm_window: seconds after which a resize is confirmed by itself; 0: never.
        max_concurrent_live_migrations: at most so many leave one host at a time; others wait.
        live_migration_completion_timeout: seconds that a live migration may copy memory; 0: as
            long as it takes.
        live_migration_timeout_action: what happens then: ``abort`` or ``force_complete``.
        shelved_offload_time: seconds after which a shelved server leaves its host; 0: at once;
            below 0: never.
    """

    allow_resize_to_same_host: bool = False
    allow_cross_cell_moves: bool = False
    resize_confirm_window: int = 0
    max_concurrent_live_migrations: int = 1
    live_migration_completion_timeout: int = 800
    live_migration_timeout_action: str = "abort"
    shelved_offload_time: int = 0
