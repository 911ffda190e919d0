"""Block storage: volumes, snapshots, types, and attachments as the only truth about their use."""
