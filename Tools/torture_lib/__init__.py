"""What Tools/torture is made of: see docs/torture.md."""
