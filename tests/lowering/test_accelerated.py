"""The accelerated lowering: the same numbers as the portable one, on blocked tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import gcd

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from onnxdream.errors import NetworkFormatError
from onnxdream.gradient import gradient_graph
from onnxdream.graph import DOMAIN, GRADIENT, IMAGE, LOSS, PREFIX, Graph, Node, Tensor, infer
from onnxdream.lowering import BLOCKED_DOMAIN
from running import LOWERINGS

pytestmark = pytest.mark.skipif(
    "accelerated" not in LOWERINGS, reason="the compiled operators do not work on this machine"
)

CHANNELS = st.sampled_from([1, 4, 6, 12, 16, 20, 32, 48])


@dataclass
class Draft:
    """A network that grows layer by layer."""

    random: np.random.Generator
    graph: Graph = field(
        default_factory=lambda: Graph(
            [], {}, {IMAGE: Tensor(np.dtype(np.float32), (1, 3, "H", "W"))}, {}
        )
    )
    tip: str = IMAGE
    channels: int = 3

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        name = f"{op.lower()}{len(self.graph.nodes)}"
        self.graph.nodes.append(Node(op, list(inputs), [name], dict(attributes), name=name))
        return name

    def weight(self, *shape: int) -> str:
        name = f"weight{len(self.graph.constants)}"
        fan_in = int(np.prod(shape[1:])) or 1
        values = self.random.normal(size=shape) * np.sqrt(2 / fan_in)
        self.graph.constants[name] = values.astype(np.float32)
        return name

    def number(self, value: float) -> str:
        name = f"number{len(self.graph.constants)}"
        self.graph.constants[name] = np.array(value, np.float32)
        return name

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, **attributes: object) -> str:
        group = int(attributes.get("group", 1))  # type: ignore[call-overload]
        weight = self.weight(outputs, inputs // group, kernel, kernel)
        return self.add("Conv", x, weight, self.weight(outputs), **attributes)

    def takes(self, height: int, width: int) -> bool:
        """Whether an image of this size leaves something for every layer."""
        whole = replace(self.graph, outputs={self.tip: self.graph.inputs[IMAGE]})
        try:
            infer(whole, height, width)
        except NetworkFormatError:
            return False
        return True

    def gradient(self) -> Graph:
        return gradient_graph(self.graph, {self.tip: 1.0})


def dense(d: Draft, outputs: int, kernel: int, stride: int, padding: str) -> None:
    where: dict[str, object] = {"auto_pad": padding}
    if padding == "pads":
        where = {"pads": [kernel // 2, 0, 0, kernel // 2]}
    d.tip = d.conv(d.tip, d.channels, outputs, kernel, strides=[stride, stride], **where)
    d.channels = outputs


def depthwise(d: Draft, kernel: int, stride: int, padding: str) -> None:
    dense_like = {"group": d.channels, "strides": [stride, stride]}
    where: dict[str, object] = {"auto_pad": padding}
    if padding == "pads":
        where = {"pads": [kernel // 2] * 4}
    d.tip = d.conv(d.tip, d.channels, d.channels, kernel, **dense_like, **where)


def grouped(d: Draft, outputs: int) -> None:
    group = gcd(d.channels, 2)
    d.tip = d.conv(d.tip, d.channels, 2 * outputs, 3, group=group, pads=[1, 1, 1, 1])
    d.channels = 2 * outputs


def relu(d: Draft) -> None:
    d.tip = d.add("Relu", d.tip)


def relu6(d: Draft) -> None:
    d.tip = d.add("Clip", d.tip, d.number(0), d.number(6))


def clip_off_zero(d: Draft) -> None:
    d.tip = d.add("Clip", d.tip, d.number(0.1), d.number(2))


def sigmoid(d: Draft) -> None:
    d.tip = d.add("Sigmoid", d.tip)


def residual(d: Draft) -> None:
    bent = d.add("Relu", d.conv(d.tip, d.channels, d.channels, 1))
    straight = d.conv(bent, d.channels, d.channels, 3, pads=[1, 1, 1, 1])
    d.tip = d.add("Add", straight, d.tip)


def bottleneck(d: Draft, inner: int) -> None:
    """A residual block of convolutions that narrow, look around, and widen again."""
    narrow = d.add("Relu", d.conv(d.tip, d.channels, inner, 1))
    around = d.add("Relu", d.conv(narrow, inner, inner, 3, pads=[1, 1, 1, 1]))
    wide = d.conv(around, inner, d.channels, 1)
    d.tip = d.add("Relu", d.add("Add", wide, d.tip))


def fire(d: Draft, outputs: int) -> None:
    small = d.add("Relu", d.conv(d.tip, d.channels, 16, 1))
    one = d.add("Relu", d.conv(small, 16, outputs, 1))
    three = d.add("Relu", d.conv(small, 16, outputs, 3, pads=[1, 1, 1, 1]))
    d.tip = d.add("Concat", one, three, axis=1)
    d.channels = 2 * outputs


def branches(d: Draft, outputs: int) -> None:
    pool = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    averaged = d.conv(d.add("AveragePool", d.tip, **pool), d.channels, outputs, 1)
    largest = d.conv(d.add("MaxPool", d.tip, **pool), d.channels, 16, 1)
    d.tip = d.add("Relu", d.add("Concat", averaged, largest, axis=1))
    d.channels = outputs + 16


def many_readers(d: Draft) -> None:
    """More gradients meet at one gate than it adds up itself."""
    d.tip = d.add("Relu", d.tip)
    bent = [d.add("Clip", d.tip, d.number(-0.1 * i), d.number(2)) for i in range(10)]
    d.tip = d.add("Sum", *bent)


def dense_block(d: Draft) -> None:
    """Each convolution reads what all before it made."""
    features, channels = [d.tip], d.channels
    for _ in range(3):
        joined = d.add("Concat", *features, axis=1) if len(features) > 1 else features[0]
        features.append(d.add("Relu", d.conv(joined, channels, 16, 3, pads=[1, 1, 1, 1])))
        channels += 16
    d.tip, d.channels = d.add("Concat", *features, axis=1), channels


def expanded(
    d: Draft,
    activation: Callable[[Draft], None],
    kernel: int,
    stride: int,
    padding: str,
    shortcut: bool,
) -> None:
    """A mobile block, with a shortcut where that fits."""
    before, channels = d.tip, d.channels
    dense(d, 3 * channels, 1, 1, "VALID")
    activation(d)
    depthwise(d, kernel, stride, padding)
    activation(d)
    dense(d, channels, 1, 1, "VALID")
    if shortcut and stride == 1 and padding.startswith("SAME"):
        d.tip = d.add("Add", d.tip, before)


def unfinished(d: Draft, channels: int) -> None:
    """A mobile block that ends in plain order, without a convolution that narrows again."""
    dense(d, channels, 1, 1, "VALID")
    relu(d)
    depthwise(d, 3, 1, "pads")
    sigmoid(d)


def single(d: Draft, dilation: int) -> None:
    """Convolutions of one channel, which are dense and depthwise at once."""
    dense(d, 1, 1, 1, "VALID")
    relu(d)
    for _ in range(2):
        d.tip = d.conv(d.tip, 1, 1, 1, dilations=[dilation, dilation])
        relu(d)
    dense(d, 16, 1, 1, "VALID")


def beside_mobile(d: Draft) -> None:
    """Gradients of the same channels come in plain order to a mobile block and beside it."""
    x = d.tip
    straight = d.add("Sigmoid", d.conv(x, d.channels, 20, 1))
    bent = d.add("Relu", d.conv(x, d.channels, 20, 1))
    around = d.conv(bent, 20, 20, 3, group=20, pads=[1, 1, 1, 1])
    d.tip = d.add("Sigmoid", d.add("Add", around, straight))
    d.channels = 20


def nothing(d: Draft) -> None:
    """No activation at all."""


def excited(d: Draft, op: str) -> None:
    """A tensor of one pixel meets a whole one."""
    squeezed = d.add("GlobalAveragePool", d.tip)
    gate = d.add("Relu", d.conv(squeezed, d.channels, d.channels, 1))
    d.tip = d.add(op, d.conv(d.tip, d.channels, d.channels, 1), gate)


def shifted(d: Draft) -> None:
    """What fills up a block does not stay zero."""
    d.tip = d.add("Sub", d.tip, d.number(0.5))


def max_pool(d: Draft, kernel: int, stride: int, ceil: bool) -> None:
    geometry = {"kernel_shape": [kernel, kernel], "strides": [stride, stride]}
    d.tip = d.add("MaxPool", d.tip, ceil_mode=int(ceil), **geometry)


def average_pool(d: Draft, kernel: int, stride: int, counted: bool, ceil: bool) -> None:
    d.tip = d.add(
        "AveragePool",
        d.tip,
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=[1, 1, 1, 1],
        count_include_pad=int(counted),
        ceil_mode=int(ceil),
    )


def normalization(d: Draft) -> None:
    d.tip = d.add("LRN", d.tip, size=5, alpha=0.1, beta=0.75, bias=1.0)


Layer = Callable[[Draft], None]


def layers() -> st.SearchStrategy[Layer]:
    def of(build: Callable[..., None], *arguments: st.SearchStrategy) -> st.SearchStrategy[Layer]:
        return st.tuples(*arguments).map(lambda drawn: lambda draft: build(draft, *drawn))

    stride = st.sampled_from([1, 1, 2])
    padding = st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID"])
    kernel = st.sampled_from([1, 3, 5])
    return st.one_of(
        of(dense, CHANNELS, kernel, stride, padding),
        of(depthwise, st.sampled_from([3, 5]), stride, padding),
        of(
            expanded,
            st.sampled_from([relu, relu6, clip_off_zero, nothing]),
            st.sampled_from([3, 5]),
            stride,
            padding,
            st.booleans(),
        ),
        of(unfinished, CHANNELS),
        of(beside_mobile),
        of(single, st.sampled_from([1, 2])),
        of(grouped, st.sampled_from([16, 32])),
        of(relu),
        of(relu6),
        of(clip_off_zero),
        of(sigmoid),
        of(residual),
        of(bottleneck, CHANNELS),
        of(fire, CHANNELS),
        of(branches, CHANNELS),
        of(many_readers),
        of(dense_block),
        of(max_pool, st.sampled_from([2, 3]), stride, st.booleans()),
        of(average_pool, st.sampled_from([2, 3]), stride, st.booleans(), st.booleans()),
        of(excited, st.sampled_from(["Add", "Mul", "Sub"])),
        of(shifted),
        of(normalization),
    )


def both(graph: Graph, height: int, width: int, seed: int) -> list[list[np.ndarray]]:
    image = np.random.default_rng(seed).normal(size=(1, 3, height, width)).astype(np.float32)
    return [
        LOWERINGS[name].run(graph, {IMAGE: image}, [LOSS, GRADIENT])
        for name in ("portable", "accelerated")
    ]


@settings(max_examples=200)
@given(
    st.lists(layers(), min_size=1, max_size=7),
    st.integers(30, 41),
    st.integers(30, 41),
    st.integers(0, 10_000),
)
@example([partial(single, dilation=1)], 30, 31, 0)
@example([partial(single, dilation=2)], 30, 31, 0)
@example([relu, partial(unfinished, channels=6)], 30, 31, 0)
@example([relu, beside_mobile], 30, 31, 0)
def test_both_lowerings_give_the_same_numbers(
    stack: list[Layer], height: int, width: int, seed: int
) -> None:
    draft = Draft(np.random.default_rng(seed))
    dense(draft, 16, 3, 1, "pads")
    for layer in stack:
        layer(draft)
    assume(draft.takes(height, width))
    (loss, gradient), (other_loss, other_gradient) = both(draft.gradient(), height, width, seed)
    assert other_loss == pytest.approx(loss, rel=1e-4)
    assert gradient.shape == other_gradient.shape
    # A near tie in a maximum may fall out differently; it moves one element.
    distance = np.linalg.norm(gradient - other_gradient)
    assert distance <= 2e-3 * np.linalg.norm(gradient) + 1e-12


def operators(draft: Draft) -> Counter[tuple[str, str]]:
    lowered = LOWERINGS["accelerated"].spell(draft.gradient())
    return Counter((node.domain, node.op) for node in lowered.nodes)


def mobile_block(d: Draft) -> None:
    dense(d, 48, 1, 1, "VALID")
    relu6(d)
    depthwise(d, 3, 1, "pads")
    relu6(d)
    dense(d, 16, 1, 1, "VALID")


class TestWhatItIsSpelledWith:
    """Nothing is reordered, copied or gated twice where that can be avoided."""

    @pytest.fixture
    def draft(self) -> Draft:
        draft = Draft(np.random.default_rng(0))
        dense(draft, 16, 3, 2, "SAME_UPPER")
        relu(draft)
        return draft

    def test_a_concat_is_never_copied(self, draft: Draft) -> None:
        fire(draft, 32)
        fire(draft, 32)
        found = operators(draft)
        assert not found["", "Concat"] and not found["", "Split"]
        assert not found[BLOCKED_DOMAIN, "ReorderInput"]
        assert not found[BLOCKED_DOMAIN, "ReorderOutput"]

    def test_activations_and_shortcuts_go_into_the_convolutions(self, draft: Draft) -> None:
        residual(draft)
        found = operators(draft)
        assert not found["", "Relu"] and not found["", "Add"]

    def test_the_expanded_tensor_of_a_mobile_block_is_never_stored(self, draft: Draft) -> None:
        sums = operators(draft)["", "Sum"]
        expanded(draft, relu6, 3, 1, "SAME_UPPER", True)
        expanded(draft, relu, 5, 2, "SAME_UPPER", False)
        found = operators(draft)
        assert found[DOMAIN, "ExpandedDepthwise"] == found[DOMAIN, "ExpandedDepthwiseGrad"] == 2
        assert not found[DOMAIN, "DepthwiseGrad"]
        assert not found["", "Add"] and found["", "Sum"] == sums
        # What is left is the gate of the very first activation.
        assert found[DOMAIN, "GatedSum"] == 1

    def test_an_expanded_tensor_that_others_read_is_stored(self, draft: Draft) -> None:
        mobile_block(draft)
        inner = draft.graph.nodes[3].outputs[0]
        graph = gradient_graph(draft.graph, {inner: 1.0, draft.tip: 1.0})
        lowered = LOWERINGS["accelerated"].spell(graph)
        assert not any(node.op == "ExpandedDepthwise" for node in lowered.nodes)

    def test_the_gates_of_a_block_of_many_channels_go_into_its_depthwise_convolution(
        self, draft: Draft
    ) -> None:
        dense(draft, 48, 1, 1, "VALID")
        mobile_block(draft)
        found = operators(draft)
        assert not found[DOMAIN, "ExpandedDepthwise"]
        assert found[DOMAIN, "DepthwiseGrad"] == 1
        assert not found[DOMAIN, "GatedSum"]

    def test_the_gates_around_dense_convolutions_go_into_them(self, draft: Draft) -> None:
        sums = operators(draft)["", "Sum"]
        bottleneck(draft, 16)
        bottleneck(draft, 16)
        dense(draft, 16, 1, 1, "VALID")
        found = operators(draft)
        assert found[DOMAIN, "Pointwise"] == found[DOMAIN, "PointwiseGrad"] == 5
        assert found[DOMAIN, "Winograd"] == found[DOMAIN, "WinogradGrad"] == 2
        assert not found["", "Relu"] and not found[DOMAIN, "GatedSum"]
        assert not found["", "Add"] and found["", "Sum"] == sums

    @pytest.mark.parametrize(
        ("padding", "taken"), [("SAME_UPPER", 1), ("VALID", 1), ("pads", 1), ("wide", 0)]
    )
    def test_3x3_convolutions_are_filtered_in_any_padding_that_can_be_undone(
        self, draft: Draft, padding: str, taken: int
    ) -> None:
        where = {"pads": [3, 0, 3, 0]} if padding == "wide" else {"auto_pad": padding}
        if padding == "pads":
            where = {"pads": [2, 0, 1, 2]}
        draft.tip = draft.conv(draft.tip, 16, 20, 3, **where)
        found = operators(draft)
        assert found[DOMAIN, "Winograd"] == found[DOMAIN, "WinogradGrad"] == taken

    @pytest.mark.parametrize(
        "geometry",
        [{"strides": [2, 2]}, {"dilations": [2, 2]}, {"group": 2}],
        ids=["strided", "dilated", "grouped"],
    )
    def test_other_3x3_convolutions_are_not(
        self, draft: Draft, geometry: dict[str, object]
    ) -> None:
        draft.tip = draft.conv(draft.tip, 16, 32, 3, pads=[1, 1, 1, 1], **geometry)
        assert not operators(draft)[DOMAIN, "Winograd"]

    def test_few_channels_are_not_worth_filtering(self, draft: Draft) -> None:
        dense(draft, 4, 3, 1, "SAME_UPPER")
        assert not operators(draft)[DOMAIN, "Winograd"]

    def test_a_gate_goes_through_a_pool(self, draft: Draft) -> None:
        max_pool(draft, 3, 2, False)
        found = operators(draft)
        assert found[DOMAIN, "MaxPoolGrad"] == 1
        assert not found[DOMAIN, "GatedSum"]

    def test_its_own_tensors_are_named_as_such(self, draft: Draft) -> None:
        mobile_block(draft)
        own = set(LOWERINGS["accelerated"].spell(draft.gradient()).names())
        foreign = set(draft.graph.names())
        assert all(n.startswith(PREFIX) or n in (LOSS, GRADIENT) for n in own - foreign)

    def test_the_graph_that_is_spelled_stays_as_it_is(self, draft: Draft) -> None:
        mobile_block(draft)
        graph = draft.gradient()
        before = [str(node) for node in graph.nodes], list(graph.constants)
        LOWERINGS["accelerated"].spell(graph)
        assert before == ([str(node) for node in graph.nodes], list(graph.constants))


def test_without_blocked_convolutions_it_still_works() -> None:
    from onnxdream.lowering import accelerated
    from running import Lowering

    plain = Lowering("plain", lambda graph: accelerated(graph, 1), LOWERINGS["accelerated"].options)
    draft = Draft(np.random.default_rng(3))
    for layer in (lambda d: dense(d, 20, 3, 1, "pads"), relu, mobile_block, normalization):
        layer(draft)
    image = np.random.default_rng(1).normal(size=(1, 3, 33, 35)).astype(np.float32)
    graph = draft.gradient()
    assert not any(node.domain == BLOCKED_DOMAIN for node in plain.spell(graph).nodes)
    expected, found = (
        lowering.run(graph, {IMAGE: image}, [LOSS, GRADIENT])
        for lowering in (LOWERINGS["portable"], plain)
    )
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(
        found[1], expected[1], rtol=1e-3, atol=1e-5 * np.abs(expected[1]).max()
    )


def test_what_computes_in_float16_is_left_to_onnx_runtime() -> None:
    draft = Draft(np.random.default_rng(5))
    dense(draft, 16, 3, 1, "pads")
    relu(draft)
    draft.tip = draft.add("Cast", draft.tip, to=10)
    for layer in (lambda d: dense(d, 32, 3, 1, "pads"), relu, lambda d: max_pool(d, 2, 2, False)):
        layer(draft)
    inside = [name for name in draft.graph.constants if name not in ("weight0", "weight1")]
    for name in inside:
        draft.graph.constants[name] = draft.graph.constants[name].astype(np.float16)
    draft.tip = draft.add("Cast", draft.tip, to=1)
    (loss, gradient), (other_loss, other_gradient) = both(draft.gradient(), 33, 35, 0)
    assert other_loss == pytest.approx(loss, rel=1e-2)
    distance = np.linalg.norm(gradient - other_gradient)
    assert distance <= 5e-2 * np.linalg.norm(gradient)
