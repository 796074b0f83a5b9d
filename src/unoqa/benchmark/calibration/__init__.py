"""Borders of grades that are set with labels: a reader's own scale."""
