"""Damaged files by the thousand: what becomes of them is counted (`make fuzz`, docs/reliability.md)."""
