"""A frozen network that does what follows a convolution while its results are still in the processor.

A processor waits for memory more than for sums, and batch norm, residual and activation each read and write all that a
convolution gave. So batch norms become part of the weights (Jacob et al. 2018, equation 14), oneDNN adds residuals and
applies ReLU while it writes, weights are laid out once as it reads them, and the first convolution sees grey instead of
three equal colours. Results differ in their last bits alone.
"""

from __future__ import annotations

import operator
from collections import Counter

import torch
from torch import fx, nn
from torch.fx.experimental.optimization import fuse as batch_norms_folded

from unoqa.encoders.parts.convolution import Convolution, has_onednn
from unoqa.encoders.parts.grey import Colours, GreyAndInside, of_grey
from unoqa.encoders.parts.tracing import called, graph_of, only_user

ADDING = (operator.add, operator.iadd, torch.add)


def fused(network: nn.Module) -> nn.Module:
    """Return a network that computes the same in fewer passes over memory, for inference alone.

    The network given is not changed. It is what is returned where torch has no oneDNN, where there is no graph (see
    `graph_of`), no convolution, or one that is called twice.
    """
    traced = graph_of(network, whole=Colours) if has_onednn() else None
    if traced is None:
        return network
    calls = Counter(node.target for node in traced.graph.nodes if type(called(node, traced)) is nn.Conv2d)
    if not calls or max(calls.values()) > 1:
        return network
    graph = batch_norms_folded(traced, inplace=True, no_trace=True)
    assert isinstance(graph, fx.GraphModule), "what was traced stays so"
    _let_go(traced)
    _forget_identities(graph)
    _see_grey(graph)
    for node in list(graph.graph.nodes):
        convolution = called(node, graph)
        if type(convolution) is nn.Conv2d and _replaceable(node, convolution):
            _replace(node, convolution, graph)
    graph.delete_all_unused_submodules()
    graph.recompile()
    # fx's own, of this graph alone, prints the code that it made where a call fails.
    type(graph).__call__ = nn.Module.__call__  # type: ignore[method-assign]
    return graph


def _let_go(graph: fx.GraphModule) -> None:
    """Take its modules from a graph, which refers to itself: their weights would stay until garbage is looked for."""
    for name, _ in list(graph.named_children()):
        delattr(graph, name)


def _forget_identities(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        if type(called(node, graph)) is nn.Identity and node.args:
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)


def _see_grey(graph: fx.GraphModule) -> None:
    for node in graph.graph.nodes:
        colours, user = called(node, graph), only_user(node)
        if type(colours) is not Colours or user is None:
            continue
        convolution = called(user, graph)
        if type(convolution) is nn.Conv2d and convolution.groups == 1:
            graph.set_submodule(str(node.target), GreyAndInside())
            graph.set_submodule(str(user.target), of_grey(convolution, colours))


def _replaceable(node: fx.Node, convolution: nn.Conv2d) -> bool:
    plain = convolution.padding_mode == "zeros" and not isinstance(convolution.padding, str)
    return plain and len(node.args) == 1 and not node.kwargs


def _replace(node: fx.Node, plain: nn.Conv2d, graph: fx.GraphModule) -> None:
    """Put one call in the place of a convolution and of what follows, as far as nobody else wants what lies between."""
    replaced, inputs = [node], [node.args[0]]
    if addition := _addition_after(node):
        replaced.append(addition[0])
        inputs.append(addition[1])
    relu = _relu_after(replaced[-1], graph)
    if relu is not None:
        replaced.append(relu)
    name = f"{node.name}_fused"
    graph.add_submodule(name, Convolution(plain, with_relu=relu is not None))
    with graph.graph.inserting_before(replaced[-1]):
        replaced[-1].replace_all_uses_with(graph.graph.call_module(name, tuple(inputs)))
    for former in reversed(replaced):
        graph.graph.erase_node(former)


def _addition_after(node: fx.Node) -> tuple[fx.Node, fx.Node] | None:
    """Return the sum into which alone a node's result goes, and what it is added to there, if that was computed too."""
    addition = only_user(node)
    if addition is None or addition.target not in ADDING or addition.kwargs:
        return None
    if addition.target is operator.iadd and addition.args[0] is not node:
        return None
    others = [argument for argument in addition.args if argument is not node]
    return (addition, others[0]) if len(others) == 1 and isinstance(others[0], fx.Node) else None


def _relu_after(node: fx.Node, graph: fx.GraphModule) -> fx.Node | None:
    """Return the ReLU into which alone a node's result goes."""
    follower = only_user(node)
    return follower if follower is not None and type(called(follower, graph)) is nn.ReLU else None
