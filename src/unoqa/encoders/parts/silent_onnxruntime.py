"""ONNX Runtime, made to report nothing before it starts.

Its official builds report their use to their maker by default: on Linux and macOS since 2026 over the network, with an
identifier that they keep in the user's home; on Windows also through the system's event tracing. The environment
variable turns the first off, and only if it is set before the import; the call turns the second off. Import the library
from here alone.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
