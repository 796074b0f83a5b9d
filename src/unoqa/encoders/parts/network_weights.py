"""The weights of a network that is ready to run: read again where they are needed, so that no copy is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from unoqa.core.errors import WeightsError
from unoqa.encoders.parts.weights import compute_checksum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unoqa.core.contracts import State
    from unoqa.encoders.parts.grey import GreyNetwork


@final
class NetworkWeights:
    """The weights of a cut model: where they come from, and the network that is built with them.

    A network that was built is kept until it is first taken; later ones are built anew.

    Attributes:
        checksum: SHA-256 of the weights.
    """

    def __init__(
        self,
        model: str,
        load: Callable[[Path | State | None], GreyNetwork],
        source: Path | State | None,
        checksum: str,
        network: GreyNetwork | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            model: its name, for errors.
            load: builds the network with weights from the source.
            source: a file, named arrays, or None for the place where `load` looks by itself.
            network: one that was built already.
        """
        self.checksum = checksum
        self._model = model
        self._load_from = load
        self._source = source
        self._network = network

    def state(self) -> State:
        """Return a copy of the weights."""
        if isinstance(self._source, dict):
            return {name: array.clone() for name, array in self._source.items()}
        arrays: State = self._load().network.state_dict()
        return arrays

    def take_network(self) -> GreyNetwork:
        """Return a network that the caller may change."""
        network, self._network = self._network, None
        return network or self._load()

    def let_go(self) -> None:
        """Free the memory of the network if nobody took it."""
        self._network = None

    def _load(self) -> GreyNetwork:
        network = self._load_from(self._source)
        if compute_checksum(network.network.state_dict()) != self.checksum:
            raise WeightsError(
                f"The weights of {self._model} changed after they were read; restore the original file and run the "
                "command again."
            )
        return network
