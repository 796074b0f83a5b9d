"""What the whole process has one of: the generator that new layers draw from, and switches of libraries."""

import threading

IN_TURN = threading.RLock()
"""Held by whoever seeds that generator or changes such a switch: two at once would meet each other's."""
