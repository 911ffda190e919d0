"""What the placement face takes: JSON Schemas, one file a noun, each by microversion."""
