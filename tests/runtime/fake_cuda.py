"""A GPU, played by the CPU: it answers for CUDA, and holds its users to CUDA's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import onnxruntime
import pytest
from fake_onnxruntime import CPU, CUDA, cuda_that_is_listed

__all__ = ["Gpu", "gpu"]

_UNRECORDED = "-1"


@dataclass
class Gpu:
    """What was asked of the GPU, and what it is to do wrong.

    What a session records under a number it replays for what was bound the
    first time, whatever is bound later; and it runs one thing at a time.
    """

    asked: list[dict[str, str]] = field(default_factory=list)
    """The options of each session."""

    runs: list[tuple[Any, str | None]] = field(default_factory=list)
    """The session of each run with a binding, and the number under which it was recorded."""

    cannot_load: Callable[[dict[str, str]], str | None] = lambda options: None
    """Why a session with these options cannot be loaded, or None."""

    cannot_run: Callable[[str | None], str | None] = lambda number: None
    """Why something cannot run under this number, or None."""

    replayed: Callable[[], None] = lambda: None
    """What goes wrong when something is replayed."""

    recorded: dict[tuple[Any, str], Any] = field(default_factory=dict)
    busy: dict[Any, Any] = field(default_factory=dict)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """A machine with a GPU."""
    fake = Gpu()
    cuda_that_is_listed(monkeypatch)
    real = onnxruntime.InferenceSession
    values = onnxruntime.OrtValue

    def session(model: bytes, options: Any, *, providers: Any, **more: Any) -> Any:
        told = dict(providers).get(CUDA)
        made = real(model, options, providers=[CPU], **more)
        if told is not None:
            fake.asked.append(told)
            if reason := fake.cannot_load(told):
                raise RuntimeError(reason)
            monkeypatch.setattr(made, "get_providers", lambda: [CUDA, CPU])
            fake.busy[made] = Lock() if told["enable_cuda_graph"] == "1" else None
        return made

    def run(self: Any, binding: Any, options: Any = None) -> None:
        number = options.get_run_config_entry("gpu_graph_id") if options else None
        fake.runs.append((self, number))
        if reason := fake.cannot_run(number):
            raise RuntimeError(reason)
        lock = fake.busy.get(self)
        if lock is None:
            return run_really(self, binding, options)
        assert number is not None, "the recording with the number 0 is ONNX Runtime's own"
        assert lock.acquire(blocking=False), "two run at a time"
        try:
            if number == _UNRECORDED:
                return run_really(self, binding, options)
            run_really(self, fake.recorded.setdefault((self, number), binding), options)
            fake.replayed()
        finally:
            lock.release()

    def room(shape: Any, dtype: Any, device: str, number: int) -> Any:
        return values_really(shape, dtype)

    run_really = real.run_with_iobinding
    values_really = values.ortvalue_from_shape_and_type
    monkeypatch.setattr(real, "run_with_iobinding", run)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    monkeypatch.setattr(values, "ortvalue_from_shape_and_type", staticmethod(room))
    return fake
