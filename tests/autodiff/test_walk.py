"""The walk backwards: what it visits, what it adds up, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from onnxdream.autodiff import DIFFERENTIABLE, STOPS, differentiate, unsupported
from onnxdream.autodiff.table import gradient_of
from onnxdream.errors import NetworkFormatError, UnsupportedOperatorError
from onnxdream.graph import DOMAIN, FLOAT, IMAGE, LOSS, PREFIX, Builder, Graph, Node, Tensor
from rules import check_gradient, distinct, forward_graph, gradient_of_image, random

PROMISED = """
Conv BatchNormalization Relu LeakyRelu PRelu Clip Sigmoid Tanh HardSigmoid HardSwish Elu Softplus
Exp Log Sqrt Pow Abs Neg Add Sub Mul Div Sum MaxPool AveragePool GlobalAveragePool GlobalMaxPool LRN
Concat Split Slice Pad Reshape Flatten Squeeze Unsqueeze Transpose Gemm MatMul Softmax ReduceMean
ReduceSum Dropout Identity Cast
"""


def test_every_promised_operator_has_a_rule():
    assert set(PROMISED.split()) <= set(DIFFERENTIABLE)


def test_no_operator_both_has_a_rule_and_stops():
    assert not STOPS & set(DIFFERENTIABLE)


def test_an_operator_has_one_rule():
    with pytest.raises(AssertionError, match="Relu has two rules"):
        gradient_of("Relu")(lambda tape, node, g: [g])


def chain(*operators: str, domain: str = "") -> Graph:
    """A graph of operators of one input each, in a row; each is named after its operator."""
    graph = Graph([], {}, {IMAGE: Tensor(np.dtype(np.float32), (1, 3, "H", "W"))}, {})
    source = IMAGE
    for operator in operators:
        graph.nodes.append(
            Node(operator, [source], [f"{operator}_made"], {}, domain, f"a_{operator}")
        )
        source = f"{operator}_made"
    graph.nodes.append(Node("ReduceSum", [source], [LOSS], {"keepdims": 0}))
    return graph


def test_all_unknown_operators_are_listed_at_once():
    with pytest.raises(UnsupportedOperatorError) as caught:
        differentiate(chain("Sin", "Relu", "Cos", "Erf"), LOSS, IMAGE)
    message = str(caught.value)
    assert "Sin 'a_Sin', Cos 'a_Cos', Erf 'a_Erf'" in message
    assert "Relu" not in message


def test_a_node_without_a_name_is_listed_by_what_it_makes():
    graph = chain("Sin")
    graph.nodes[0].name = ""
    with pytest.raises(UnsupportedOperatorError, match="Sin 'Sin_made'"):
        differentiate(graph, LOSS, IMAGE)


def test_a_foreign_operator_is_unknown_whatever_it_is_called():
    with pytest.raises(UnsupportedOperatorError, match=r"com\.acme\.Relu 'a_Relu'"):
        differentiate(chain("Relu", domain="com.acme"), LOSS, IMAGE)


def test_a_refusal_leaves_the_graph_as_it_was():
    graph = chain("Sin")
    before = graph.copy()
    with pytest.raises(UnsupportedOperatorError):
        differentiate(graph, LOSS, IMAGE)
    assert graph == before


def test_unsupported_tells_the_same_without_raising():
    graph = chain("Sin", "Relu", "Cos")
    assert [node.op for node in unsupported(graph, LOSS, IMAGE)] == ["Sin", "Cos"]
    assert [node.op for node in unsupported(graph, "Relu_made", IMAGE)] == ["Sin"]


def test_only_what_lies_between_is_visited(lowering):
    """Unknown operators may stand beside the path and behind the loss."""

    def build(b: Builder) -> str:
        beside = b("Sin", b.constant(random(3, 1, 1)))
        b("Erf", b("Cos", "image"))
        return b("Mul", "image", beside)

    check_gradient(lowering, build)


def test_a_loss_that_does_not_depend_is_refused():
    graph = forward_graph(lambda b: b("Exp", b.constant(random(2))))
    with pytest.raises(NetworkFormatError, match="'loss' does not depend on 'image'"):
        differentiate(graph, LOSS, IMAGE)


def test_a_loss_that_depends_on_the_size_only_is_refused():
    graph = forward_graph(lambda b: b("Cast", b("Shape", "image"), to=FLOAT))
    with pytest.raises(NetworkFormatError, match="does not depend"):
        differentiate(graph, LOSS, IMAGE)


@pytest.mark.parametrize("op", ["Floor", "Ceil", "Round", "Sign"])
def test_nothing_flows_through_steps(lowering, op):
    """What is flat almost everywhere counts as a weight."""
    check_gradient(lowering, lambda b: b("Mul", "image", b(op, b("Exp", "image"))))


def test_shapes_steer_without_a_gradient(lowering):
    """The usual way to flatten: a target computed from the shape of the image."""

    def build(b: Builder) -> str:
        rows = b("Slice", b("Shape", "image"), b.ints(1), b.ints(2))
        target = b("Concat", rows, b.ints(-1), axis=0)
        return b("Mul", b("Reshape", b("Exp", "image"), target), b.constant(random(3, 1)))

    check_gradient(lowering, build)


def test_comparisons_steer_without_a_gradient(lowering):
    def build(b: Builder) -> str:
        above = b("Greater", "image", b.constant(0.01))
        return b("Mul", b("Cast", above, to=FLOAT), b("Exp", "image"))

    check_gradient(lowering, build)


@pytest.mark.parametrize("uses", [2, 3, 4])
def test_gradients_of_several_uses_add_up(lowering, uses):
    def build(b: Builder) -> str:
        root = b("Exp", "image")
        branches = [b("Mul", root, b.constant(random(3, 1, 1, seed=use))) for use in range(uses)]
        return b("Concat", *branches, axis=1)

    check_gradient(lowering, build)


def test_one_node_may_read_a_tensor_twice(lowering):
    check_gradient(lowering, lambda b: b("Mul", "image", "image"))


def test_the_image_itself_may_be_the_layer(lowering):
    image = distinct(1, 3, 4, 5)
    gradient = gradient_of_image(lowering, lambda b: b("Identity", "image"), image)
    np.testing.assert_allclose(gradient, 2 * (image + np.float32(0.7)), rtol=1e-6)


def test_an_output_that_nobody_reads_is_no_matter(lowering):
    """Of the two outputs one is the loss's; the other has an absent gradient."""

    def build(b: Builder) -> str:
        return b.many("Split", ["image", b.ints(1, 2)], 2, axis=1)[1]

    check_gradient(lowering, build)


def test_the_graph_grows_and_keeps_what_it_had():
    graph = forward_graph(lambda b: b("Relu", "image"))
    before = list(graph.nodes)
    gradient = differentiate(graph, LOSS, IMAGE)
    assert graph.nodes[: len(before)] == before
    added = graph.nodes[len(before) :]
    assert gradient in added[-1].outputs
    assert all(name.startswith(f"{PREFIX}gradient/") for node in added for name in node.outputs)
    assert {node.op for node in added if node.domain} == {"ReluGrad"}
    assert {node.domain for node in added} == {"", DOMAIN}


def test_two_losses_of_one_graph_do_not_collide(lowering):
    """Names given on the first walk are not given again on the second."""
    graph = forward_graph(lambda b: b("Relu", "image"))
    first = differentiate(graph, LOSS, IMAGE)
    second = differentiate(graph, LOSS, IMAGE)
    kind = graph.inputs[IMAGE]
    graph.outputs = {}
    b = Builder(graph, "test")
    b.call_output(first, "first", kind)
    b.call_output(second, "second", kind)
    one, two = lowering.run(graph, {IMAGE: distinct(1, 3, 4, 4)}, ["first", "second"])
    np.testing.assert_array_equal(one, two)
    assert one.any()
