"""What the compute API passed on to other services until 2.35 (image metadata until 2.38)."""
