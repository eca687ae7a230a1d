"""CUDA: what ONNX Runtime is told, and what is said where it cannot start."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import onnxruntime
import pytest
from fake_onnxruntime import cuda_that_cannot_start, cuda_that_falls_back, cuda_that_is_listed

from onnxdream.errors import ProviderError, RecipeError
from onnxdream.gradient import gradient_graph
from onnxdream.runtime import Backend, Cuda, Machine, choose, lowering_for, settled
from onnxdream.runtime.cuda import failure, load_libraries, missing_library
from small_networks import convnet


class TestOptions:
    def test_by_default(self):
        assert Cuda().options(0, "fp32", recorded=False) == {
            "device_id": "0",
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",
            "cudnn_conv_use_max_workspace": "1",
            "prefer_nhwc": "0",
            "use_tf32": "0",
            "enable_cuda_graph": "0",
        }

    @pytest.mark.parametrize(
        ("cuda", "name", "value"),
        [
            (Cuda(nhwc=True), "prefer_nhwc", "1"),
            (Cuda(search="exhaustive"), "cudnn_conv_algo_search", "EXHAUSTIVE"),
            (Cuda(search="default"), "cudnn_conv_algo_search", "DEFAULT"),
            (Cuda(memory=3000), "gpu_mem_limit", str(3000 * 1024 * 1024)),
        ],
    )
    def test_each_setting(self, cuda, name, value):
        told = cuda.options(0, "fp32", recorded=False)
        assert told[name] == value
        told.pop(name)
        assert told.items() <= Cuda().options(0, "fp32", recorded=False).items()

    def test_the_rest(self):
        assert Cuda().options(2, "fp32", recorded=True)["device_id"] == "2"
        assert Cuda().options(2, "fp32", recorded=True)["enable_cuda_graph"] == "1"
        # What is told of the tensor cores holds for float16, too.
        for precision, flag in (("fp32", "0"), ("tf32", "1"), ("fp16", "1")):
            assert Cuda().options(0, precision, recorded=False)["use_tf32"] == flag

    @pytest.mark.parametrize("memory", [0, -1, 1.5, "4000", True])
    def test_impossible_memory(self, memory):
        with pytest.raises(RecipeError, match="memory in MiB must be"):
            Cuda(memory=memory)

    @pytest.mark.parametrize("search", ["", "EXHAUSTIVE", "fast", None])
    def test_an_unknown_search_names_the_known(self, search):
        with pytest.raises(RecipeError, match="one of heuristic, exhaustive, default"):
            Cuda(search=search)


class TestBackend:
    def test_choose_passes_on_what_it_is_told(self, monkeypatch):
        cuda_that_is_listed(monkeypatch)
        cuda = Cuda(memory=500)
        assert choose(Machine("cuda", 1, precision="fp16", cuda=cuda)) == Backend(
            "cuda", 1, True, "fp16", cuda
        )
        assert choose(Machine(precision="tf32")) == Backend("cuda", 0, False, "tf32", Cuda())

    def test_a_fall_back_keeps_the_precision(self, monkeypatch):
        cuda_that_falls_back(monkeypatch)
        assert settled(choose(Machine("auto", 1, precision="fp16"))) == Backend(
            "cpu", 0, False, "fp16"
        )

    def test_tf32_has_nothing_to_fall_back_on(self, monkeypatch):
        cuda_that_falls_back(monkeypatch)
        with pytest.raises(ProviderError, match="TF32 is a format of NVIDIA"):
            settled(choose(Machine("auto", precision="tf32")))

    def test_it_takes_the_portable_lowering(self):
        assert lowering_for(Backend("cuda")).name == "portable"
        with pytest.raises(ProviderError, match=r"float32 on the CPU, not in fp32 on 'cuda'"):
            lowering_for(Backend("cuda"), "accelerated")

    @pytest.mark.parametrize(
        ("cuda", "scatters"),
        [(Cuda(), True), (Cuda(deterministic=True), False), (Cuda(nhwc=True), False)],
    )
    def test_sums_have_an_order_where_they_must(self, cuda, scatters, pooled):
        lowered = lowering_for(Backend("cuda", cuda=cuda)).spell(pooled)
        assert any(node.op == "ScatterElements" for node in lowered.nodes) == scatters


@pytest.fixture
def pooled():
    return gradient_graph(convnet(), {"second": 1.0})


class TestLibraries:
    def test_they_are_loaded_when_cuda_is_chosen(self, monkeypatch):
        cuda_that_is_listed(monkeypatch)
        calls: list[str] = []
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: calls.append("loaded"))
        choose(Machine("cpu"))
        assert not calls
        choose(Machine("cuda"))
        choose(Machine("auto"))
        assert calls == ["loaded"] * 2

    def test_nothing_is_printed(self, capsys):
        load_libraries(SimpleNamespace(preload_dlls=lambda: print("Failed to load libcudnn")))
        assert capsys.readouterr() == ("", "")

    def test_an_old_onnxruntime_loads_none(self):
        load_libraries(SimpleNamespace())

    def test_the_one_that_is_missing_is_named(self, tmp_path, monkeypatch, caplog):
        monkeypatch.setattr(onnxruntime, "__file__", str(tmp_path / "__init__.py"))
        library = Path(tmp_path, "capi", "libonnxruntime_providers_cuda.so")
        library.parent.mkdir()
        library.write_bytes(b"no library at all")
        cuda_that_falls_back(monkeypatch)
        with pytest.raises(ProviderError, match=r"libonnxruntime_providers_cuda\.so: .*libcuda"):
            settled(choose(Machine("cuda")))

    def test_where_there_is_nothing_to_load_nothing_is_missing(self, tmp_path):
        ort = SimpleNamespace(__file__=str(tmp_path / "__init__.py"))
        assert missing_library(ort) is None


class TestFailures:
    LONG = (
        "/src/cuda_call.cc:154 onnxruntime::CudaCall [ONNXRuntimeError] : 1 : FAIL : {} failure "
        "{}: {} ; GPU=-1 ; hostname=machine ; file=/src/info.cc ; line=70 ; expr=count(&n); "
    )

    @pytest.mark.parametrize(
        ("library", "code", "reason"),
        [
            ("CUDA", "35", "CUDA driver version is insufficient for CUDA runtime version"),
            ("CUDNN", "5000", "CUDNN_STATUS_EXECUTION_FAILED"),
            ("CUBLAS", "3", "the resource allocation failed"),
            ("CUDA", "-1", "unknown"),
        ],
    )
    def test_what_cuda_said_is_found(self, library, code, reason):
        error = RuntimeError(self.LONG.format(library, code, reason))
        assert failure(error) == f"{library} says: {reason}"

    def test_anything_else_is_left_as_it_is(self):
        assert failure(ValueError("Unknown provider option")) == "Unknown provider option"

    def test_it_is_one_sentence(self, monkeypatch, caplog):
        cuda_that_cannot_start(monkeypatch, self.LONG.format("CUDA", 100, "no device is detected"))
        with pytest.raises(ProviderError) as raised:
            settled(choose(Machine("cuda")))
        assert str(raised.value) == (
            "ONNX Runtime cannot start on 'cuda': CUDA says: no device is detected."
        )
        settled(choose(Machine("auto")))
        assert caplog.messages == [f"{raised.value} The CPU takes its place."]
