"""The graph of a network: what it calls, in which order, on what."""

from __future__ import annotations

import operator
import threading
from typing import TYPE_CHECKING, Any, final

import torch
from torch import fx, nn

if TYPE_CHECKING:
    from collections.abc import Callable

IN_PLACE = (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.setitem)

_IN_TURN = threading.Lock()


def graph_of(network: nn.Module, whole: type[nn.Module]) -> fx.GraphModule | None:
    """Return a network's graph, which shares its layers and can be changed without it; None where there is none.

    There is none for a network whose way depends on what it is given; for one that hooks listen to, which a graph does
    not call; for one in training, or in another precision than single; and for one that changes in place what it reads
    elsewhere, since calls of a graph that is changed come in another order.

    Args:
        whole: a kind of module that is one call, whatever it does.
    """
    if network.training or any(module._forward_hooks or module._forward_pre_hooks for module in network.modules()):
        return None
    if any(array.dtype != torch.float32 for array in network.parameters()):
        return None
    tracer = _Tracer(whole)
    try:
        graph = fx.GraphModule(network, tracer.trace(network))
    except Exception:  # noqa: BLE001 - whatever it is that cannot be traced, the network works as it is
        return None
    finally:
        tracer.let_go()
    return None if any(_spoils(node, graph) for node in graph.graph.nodes) else graph


def called(node: fx.Node, graph: fx.GraphModule) -> nn.Module | None:
    """Return the module that a node calls; None where it calls something else."""
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


def only_user(node: fx.Node) -> fx.Node | None:
    """Return the node that reads another's result, if it is one alone."""
    return next(iter(node.users)) if len(node.users) == 1 else None


@final
class _Tracer(fx.Tracer):
    """Traces in its own thread. fx catches the calls of all modules of the process: those of other threads go on."""

    def __init__(self, whole: type[nn.Module]) -> None:
        super().__init__()
        self._whole = whole
        self._thread = threading.get_ident()

    def trace(self, *arguments: Any, **named: Any) -> fx.Graph:  # noqa: ANN401 - as fx has it
        """Trace; one tracer at a time."""
        with _IN_TURN:
            return super().trace(*arguments, **named)

    def let_go(self) -> None:
        """Forget the network: a tracer refers to itself, and weights would stay until garbage is looked for.

        Its thread stays known: calls of other threads that fx caught may be on their way yet.
        """
        for name in vars(self).keys() - {"_thread"}:
            delattr(self, name)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether a module is one call."""
        return isinstance(m, self._whole) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:  # noqa: ANN401 - as fx has it
        """Note a call, or let another thread's pass."""
        own = threading.get_ident() == self._thread
        return super().call_module(m, forward, args, kwargs) if own else forward(*args, **kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        """Note a parameter that is read, or let another thread have it."""
        own = threading.get_ident() == self._thread
        return super().getattr(attr, attr_val, parameter_proxy_cache) if own else attr_val


def _spoils(node: fx.Node, graph: fx.GraphModule) -> bool:
    """Tell whether a node changes in place what another node may read, before or after."""
    if not _in_place(node, graph):
        return False
    changed = node.args[0] if node.args else None
    if not isinstance(changed, fx.Node) or only_user(changed) is not node:
        return True
    return changed.op not in ("call_module", "call_function") or changed.target is operator.getitem


def _in_place(node: fx.Node, graph: fx.GraphModule) -> bool:
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).endswith("__")
    if node.op == "call_function":
        name = getattr(node.target, "__name__", "")
        return node.target in IN_PLACE or bool(node.kwargs.get("inplace")) or name.endswith("_")
    return bool(getattr(called(node, graph), "inplace", False))
