"""What stands for a machine with a GPU, or without ONNX Runtime."""

from __future__ import annotations

import importlib.abc
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import onnxruntime
import pytest

from onnxdream.runtime import PROVIDERS

__all__ = [
    "CPU",
    "CUDA",
    "Broken",
    "cuda_that_cannot_start",
    "cuda_that_falls_back",
    "cuda_that_is_listed",
    "cuda_that_runs",
]

CPU, CUDA = PROVIDERS["cpu"], PROVIDERS["cuda"]


def cuda_that_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime says that it knows CUDA."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "set_default_logger_severity", lambda severity: None)


def cuda_that_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA is listed, but its libraries are missing: ONNX Runtime takes the CPU instead."""
    cuda_that_is_listed(monkeypatch)
    real = onnxruntime.InferenceSession

    def session(model: bytes, options: Any, *, providers: Any, **more: Any) -> Any:
        return real(model, options, providers=[CPU], **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)


def cuda_that_cannot_start(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """CUDA is listed, but fails inside ONNX Runtime, which by itself then prints and falls back."""
    cuda_that_is_listed(monkeypatch)
    real = onnxruntime.InferenceSession._create_inference_session

    def create(self: Any, providers: Any, *more: Any) -> None:
        if any(CUDA in provider for provider in providers):
            self._fallback_providers = [CPU]
            raise RuntimeError(reason)
        real(self, providers, *more)

    monkeypatch.setattr(onnxruntime.InferenceSession, "_create_inference_session", create)


def cuda_that_runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """CUDA is listed, and a session says that it runs there; what was asked for is kept."""
    cuda_that_is_listed(monkeypatch)
    real = onnxruntime.InferenceSession
    asked: list[Any] = []

    def session(model: bytes, options: Any, *, providers: Any, **more: Any) -> Any:
        asked.append(providers)
        made = real(model, options, providers=[CPU], **more)
        monkeypatch.setattr(made, "get_providers", lambda: [CUDA, CPU])
        return made

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    return asked


class Broken(importlib.abc.MetaPathFinder):
    """Finds a module, whose import then fails."""

    def __init__(self, module: str, error: ImportError) -> None:
        self._module = module
        self._error = error

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == self._module:
            raise self._error
        return None
