"""Where a graph may run, and what is said where it may not."""

from __future__ import annotations

import sys
from types import ModuleType

import onnxruntime as real
import pytest
from fake_onnxruntime import Broken, cuda_that_is_listed

from onnxdream import Dreamer, Machine
from onnxdream.errors import BackendNotFoundError, ProviderError, RecipeError
from onnxdream.runtime import PROVIDERS, Backend, backend_version, choose


@pytest.fixture
def cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "get_available_providers", lambda: [PROVIDERS["cpu"]])


class TestChoice:
    def test_auto_takes_the_cpu_where_there_is_nothing_else(self, cpu_only):
        assert choose(Machine()) == choose(Machine("auto", 3)) == Backend("cpu", 0, required=False)

    def test_auto_takes_cuda_where_it_is(self, monkeypatch):
        cuda_that_is_listed(monkeypatch)
        assert choose(Machine()) == Backend("cuda", 0, required=False)
        assert choose(Machine("auto", 1)) == Backend("cuda", 1, required=False)

    def test_what_is_named_is_required(self, monkeypatch):
        cuda_that_is_listed(monkeypatch)
        assert choose(Machine("cpu")) == Backend("cpu", 0, required=True)
        assert choose(Machine("cuda", 1)) == Backend("cuda", 1, required=True)

    def test_cuda_that_is_absent_names_the_extra(self, cpu_only):
        message = rf"ONNX Runtime {real.__version__} has no provider 'cuda'.*onnxdream\[gpu\]"
        with pytest.raises(ProviderError, match=message):
            choose(Machine("cuda"))

    @pytest.mark.parametrize("provider", ["tpu", "CUDA", "", "CPUExecutionProvider", None, ["cpu"]])
    def test_an_unknown_one_names_the_known(self, provider):
        with pytest.raises(ProviderError, match="choose one of auto, cpu, cuda"):
            choose(Machine(provider))

    @pytest.mark.parametrize("provider", ["auto", "cpu"])
    @pytest.mark.parametrize("device", [-1, 1.0, "0", None, True, 10**6], ids=repr)
    def test_an_impossible_device(self, provider, device):
        with pytest.raises(RecipeError, match="device must be"):
            choose(Machine(provider, device))

    def test_a_dreamer_says_the_same(self, cpu_only):
        with pytest.raises(ProviderError, match="has no provider 'cuda'"):
            Dreamer("squeezenet", machine=Machine(provider="cuda"))
        with pytest.raises(ProviderError, match="no provider 'tpu'"):
            Dreamer("squeezenet", machine=Machine(provider="tpu"))


class TestWithoutOnnxRuntime:
    def test_it_is_not_installed(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        for use in (lambda: choose(Machine()), backend_version, lambda: Dreamer("squeezenet")):
            with pytest.raises(BackendNotFoundError, match=r"onnxdream\[cpu\].*onnxdream\[gpu\]"):
                use()

    def test_it_cannot_be_loaded(self, monkeypatch):
        error = ImportError("libcudart.so.13: cannot open shared object file")
        monkeypatch.delitem(sys.modules, "onnxruntime")
        monkeypatch.setattr(sys, "meta_path", [Broken("onnxruntime", error), *sys.meta_path])
        with pytest.raises(BackendNotFoundError, match=r"broken: libcudart\.so"):
            choose(Machine())

    def test_ctrl_c_while_it_is_loaded_is_no_fault_of_its(self, monkeypatch):
        error = ImportError("initialization failed")
        error.__cause__ = KeyboardInterrupt()
        monkeypatch.delitem(sys.modules, "onnxruntime")
        monkeypatch.setattr(sys, "meta_path", [Broken("onnxruntime", error), *sys.meta_path])
        with pytest.raises(KeyboardInterrupt):
            choose(Machine())

    def test_a_package_that_it_needs_is_missing(self, monkeypatch):
        error = ModuleNotFoundError("No module named 'flatbuffers'", name="flatbuffers")
        monkeypatch.delitem(sys.modules, "onnxruntime")
        monkeypatch.setattr(sys, "meta_path", [Broken("onnxruntime", error), *sys.meta_path])
        with pytest.raises(BackendNotFoundError, match="broken: No module named 'flatbuffers'"):
            choose(Machine())

    def test_two_of_it_were_installed_over_each_other(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
        with pytest.raises(BackendNotFoundError, match="Uninstall both"):
            choose(Machine())


def test_the_version_is_that_of_onnxruntime():
    assert backend_version() == real.__version__
