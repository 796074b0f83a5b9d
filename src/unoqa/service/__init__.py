"""The service of a clinic: single images and batches by HTTP, and folders that are watched."""
