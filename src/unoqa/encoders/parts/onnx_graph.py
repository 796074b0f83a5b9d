"""A frozen network as a graph in an ONNX file, which ONNX Runtime runs on processors.

ONNX Runtime folds batch norms into convolutions, fuses what follows them, and lays weights out for the processor. It
runs a graph without the libraries that the network was built with.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from torch import Tensor

from unoqa.core.parallel import ignore_warnings
from unoqa.encoders.parts.silent_onnxruntime import onnxruntime
from unoqa.encoders.parts.torch_network import refuse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unoqa.encoders.parts.grey import GreyImage, GreyNetwork

VERSION = 1
"""Version of what is exported; it rises when another graph would be made of the same network."""

OPSET = 17
"""Version of ONNX's operators: of 2022, which every supported release of the libraries reads and writes."""

AGREEMENT = 1e-4
"""Largest difference from torch, as a share of the largest feature of a level, at which a graph is taken."""

WEIGHTS = "weights"
"""Name of the entry of a graph's metadata that holds the SHA-256 of its weights."""

ERRORS_ONLY = 3
"""ONNX Runtime's severity from which it prints to the terminal."""


@final
class OnnxNetwork:
    """A graph that is ready to run on images of one size.

    One thread runs an image, from start to end; several threads may run the same graph at the same time. So the number
    of threads changes no bit.

    Attributes:
        levels: name and number of channels of each level of features.
        shape: rows and columns of the images.
        weights: SHA-256 of its weights.
    """

    def __init__(self, graph: bytes) -> None:
        """Start a graph.

        Raises:
            ValueError: it cannot be read.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = ERRORS_ONLY
        with _temporary_file() as file:  # a session keeps bytes that it is given
            file.write_bytes(graph)
            try:
                self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
            except Exception as error:  # of kinds that the library does not make public
                why = f"ONNX Runtime {onnxruntime.__version__} cannot read the graph of an encoder"
                raise ValueError(why) from error
        (image,) = self._session.get_inputs()
        self._input = image.name
        self.shape: tuple[int, int] = tuple(image.shape[2:])
        self.levels = tuple((output.name, int(output.shape[-1])) for output in self._session.get_outputs())
        self.weights: str = self._session.get_modelmeta().custom_metadata_map.get(WEIGHTS, "")

    def __call__(self, image: GreyImage) -> list[Float[Tensor, "1 _rows _columns _channels"]]:
        """Return the features of one image at each level."""
        return [torch.from_numpy(level) for level in self._session.run(None, {self._input: image[None, None]})]


def export_graph(network: GreyNetwork, names: Sequence[str], shape: tuple[int, int], weights: str) -> bytes:
    """Return a network as an ONNX file for images of one size; empty if it has no graph that computes the same.

    Networks that decide their way by what they are given have none, and some use operations that ONNX lacks. The size
    is fixed, because what a network derives from it, such as the padding, becomes part of the graph.

    Args:
        names: of the levels of features.
        weights: SHA-256 of the weights, which the file then names.

    Raises:
        UsageError: the network does not accept images of this size.
    """
    traced, other = (torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    with torch.inference_mode(mode=False), torch.no_grad():
        with refuse_size(shape):
            expected = network(other)
        try:
            graph = _export(network, traced, names, weights)
            found = OnnxNetwork(graph)(other[0, 0].numpy())
        except Exception:  # noqa: BLE001 - whatever it is that cannot be exported, torch runs the network
            return b""
    agree = all(_agree(mine, theirs) for mine, theirs in zip(found, expected, strict=True))
    return graph if agree else b""


def _export(network: GreyNetwork, image: Tensor, names: Sequence[str], weights: str) -> bytes:
    """Export by tracing: ten times as fast as torch's other exporter, which needs one more library.

    torch deprecates it for new uses, and tracing warns of every decision that it takes for granted; whether these
    matter, the caller finds out. An operation that ONNX lacks goes into the file under torch's name, and ONNX Runtime
    then refuses the file: if torch refused it, its C++ code would print the whole network to the terminal.
    """
    import onnx  # noqa: PLC0415 - only exporting needs it

    with _temporary_file() as file:
        with ignore_warnings(Warning):
            torch.onnx.export(
                network,
                (image,),
                file,
                input_names=["grey"],
                output_names=list(names),
                opset_version=OPSET,
                operator_export_type=torch.onnx.OperatorExportTypes.ONNX_FALLTHROUGH,
                dynamo=False,
            )
        graph = onnx.load_model_from_string(file.read_bytes())
    onnx.helper.set_model_props(graph, {WEIGHTS: weights})
    return graph.SerializeToString()


@contextmanager
def _temporary_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="unoqa-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "network.onnx"


def _agree(found: Tensor, expected: Tensor) -> bool:
    """Compare shapes and values; NaN agrees with nothing."""
    if found.shape != expected.shape:
        return False
    return bool((found - expected).abs().max() <= AGREEMENT * expected.abs().max())
