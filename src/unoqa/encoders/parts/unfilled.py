"""Networks without first weights, for those that are filled next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DRAWING = (Tensor.normal_, Tensor.uniform_)


@final
class Unfilled(TorchFunctionMode):
    """Within it, networks are made with parameters as memory has them: drawing a Wide-ResNet-50's takes half a second.

    It is for whoever then overwrites every parameter, and leaves torch's global seed alone.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the function gives
        """Pass every function on but those that fill a parameter."""
        del types
        named = kwargs or {}
        if func in DRAWING or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else named["tensor"]
        return func(*args, **named)
