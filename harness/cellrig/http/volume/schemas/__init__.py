"""What may be said to the block storage face."""
