"""The first page: choose folders, fit, grade, look; every action is a command that runs in a process of its own."""
