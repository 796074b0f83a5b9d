"""What executors share: their contract."""
