"""What bodies and queries may say, by noun."""
