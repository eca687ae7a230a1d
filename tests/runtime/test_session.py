"""A graph in ONNX Runtime: what runs, what falls back, and what goes wrong."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from fake_onnxruntime import (
    CPU,
    CUDA,
    cuda_that_cannot_start,
    cuda_that_falls_back,
    cuda_that_runs,
)

from onnxdream import Dreamer, Machine
from onnxdream.errors import BackendError, NetworkFormatError, ProviderError
from onnxdream.graph import Node
from onnxdream.runtime import Backend, Session, settled
from small_networks import CARD, LAYERS, convnet, network_of

IMAGE = np.random.default_rng(0).random((1, 3, 32, 40), np.float32)


def test_it_runs_what_is_asked_for():
    session = Session(convnet(), Backend("cpu"), 1)
    [second] = session.run({"image": IMAGE}, ["second"])
    assert second.shape == (1, 6, 8, 10)
    assert session.backend == Backend("cpu")


@pytest.mark.parametrize("threads", [1, 2])
def test_it_runs_on_as_many_threads_as_it_was_told(threads):
    options = Session(convnet(), Backend("cpu"), threads).inner.get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.inter_op_num_threads == 1


def test_a_graph_that_is_none_is_refused(capfd):
    graph = convnet()
    graph.nodes.append(Node("NoSuchOperator", ["second"], ["third"]))
    with pytest.raises(NetworkFormatError, match=r"does not accept the network.*NoSuchOperator"):
        Session(graph, Backend("cpu"), 1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "feeds",
    [
        pytest.param({"image": IMAGE[:, :2]}, id="two channels"),
        pytest.param({"image": IMAGE.astype(np.float64)}, id="float64"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_run_that_fails_is_a_backend_error(feeds, capfd):
    session = Session(convnet(), Backend("cpu"), 1)
    with pytest.raises(BackendError, match="could not run the network"):
        session.run(feeds, ["second"])
    assert capfd.readouterr() == ("", "")


class TestCuda:
    def test_it_is_asked_for_with_the_cpu_behind_it(self, monkeypatch):
        asked = cuda_that_runs(monkeypatch)
        backend = Backend("cuda", 1)
        session = Session(convnet(), backend, 1)
        assert session.backend.provider == "cuda"
        [[(first, options), (second, _)]] = asked
        assert (first, second) == (CUDA, CPU)
        assert options == backend.cuda.options(1, "fp32", recorded=False)

    def test_where_it_runs_it_stays(self, monkeypatch, caplog):
        cuda_that_runs(monkeypatch)
        for backend in (Backend("cuda", 1), Backend("cuda", required=False), Backend("cpu")):
            assert settled(backend) == backend
        assert not caplog.records

    def test_a_fall_back_is_an_error_where_cuda_was_named(self, monkeypatch):
        cuda_that_falls_back(monkeypatch)
        for load in (settled, lambda backend: Session(convnet(), backend, 1)):
            with pytest.raises(ProviderError, match=r"fell back to the CPU.*onnxdream\[gpu\]"):
                load(Backend("cuda"))

    def test_a_fall_back_is_a_warning_where_it_was_not(self, monkeypatch, caplog):
        cuda_that_falls_back(monkeypatch)
        assert settled(Backend("cuda", required=False)) == Backend("cpu", required=False)
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert "fell back to the CPU" in record.getMessage()

    def test_a_dreamer_that_fell_back_dreams_on_the_cpu(self, monkeypatch, caplog):
        cuda_that_falls_back(monkeypatch)
        network = network_of(convnet(), CARD)
        with Dreamer(network, LAYERS[-1], machine=Machine(provider="auto", threads=1)) as dreamer:
            assert dreamer.provider == "cpu"
            loss, _ = dreamer.gradient(np.full((32, 40, 3), 0.5, np.float32))
        assert loss > 0
        assert [record.levelno for record in caplog.records] == [logging.WARNING]

    def test_a_session_that_cannot_start_is_an_error_where_cuda_was_named(self, monkeypatch, capfd):
        cuda_that_cannot_start(monkeypatch, "driver too old")
        with pytest.raises(ProviderError, match=r"'cuda'.*driver too old"):
            Session(convnet(), Backend("cuda"), 1)
        assert capfd.readouterr() == ("", "")

    def test_a_session_that_cannot_start_is_a_warning_where_it_was_not(
        self, monkeypatch, caplog, capfd
    ):
        cuda_that_cannot_start(monkeypatch, "driver too old")
        assert settled(Backend("cuda", required=False)) == Backend("cpu", required=False)
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert "driver too old" in record.getMessage()
        assert capfd.readouterr() == ("", "")
