"""Review: people grade images one by one, beside the machine or without seeing what it says."""
