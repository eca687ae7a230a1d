"""What is told on the way, and how a dream is stopped."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest

import onnxdream
from onnxdream import Progress, images
from onnxdream.errors import DreamStoppedError, DreamTimeoutError, RecipeError
from small_networks import CARD, LAYERS, convnet, network_of

PIXELS = 0.25 + 0.5 * np.random.default_rng(0).random((40, 52, 3), np.float32)
QUICK = {"octaves": 2, "steps": 3, "jitter": 2}


@pytest.fixture(scope="module")
def dreamer():
    with onnxdream.Dreamer(network_of(convnet(), CARD), LAYERS) as dreamer:
        yield dreamer


class TestProgress:
    def test_what_is_told(self, dreamer):
        told: list[Progress] = []
        dreamer.dream_array(PIXELS, progress=told.append, **QUICK)
        assert [(p.octave, p.step) for p in told] == [(o, s) for o in (1, 2) for s in (1, 2, 3)]
        for p in told:
            assert (p.octaves, p.steps) == (2, 3)
            assert sum(p.losses.values()) == pytest.approx(p.loss, rel=1e-5)
            assert p.mean > 0
            assert p.seconds > 0

    def test_the_picture_so_far(self, dreamer):
        seen: list[tuple[np.ndarray, float]] = []

        def look(progress: Progress) -> None:
            picture = progress.picture()
            assert picture.shape == (progress.height, progress.width, 3)
            base = picture - progress.detail()
            difference = np.sqrt(np.mean((picture - base) ** 2, dtype=np.float64))
            assert progress.rms() == pytest.approx(255 * difference, rel=1e-5)
            seen.append((picture, progress.rms()))

        dreamt = dreamer.dream_array(PIXELS, progress=look, **QUICK)
        np.testing.assert_allclose(seen[-1][0], dreamt, atol=1e-6)
        assert seen[0][1] < seen[2][1] < seen[-1][1]

    def test_looking_changes_nothing(self, dreamer):
        plain = dreamer.dream_array(PIXELS, **QUICK)
        looked = dreamer.dream_array(PIXELS, progress=lambda p: p.rms(), **QUICK)
        assert plain.tobytes() == looked.tobytes()

    def test_what_it_raises_ends_the_dream(self, dreamer):
        def fail(progress: Progress) -> None:
            raise LookupError("enough")

        with pytest.raises(LookupError, match="enough"):
            dreamer.dream_array(PIXELS, progress=fail, **QUICK)


class TestStopping:
    def test_from_another_thread(self, dreamer):
        cancel = threading.Event()
        timer = threading.Timer(0.2, cancel.set)
        timer.start()
        began = time.monotonic()
        with pytest.raises(DreamStoppedError, match="cancelled") as caught:
            dreamer.dream_array(PIXELS, cancel=cancel, octaves=1, steps=100_000)
        timer.join()
        assert time.monotonic() - began < 20
        assert caught.value.partial.shape == PIXELS.shape

    def test_within_a_step(self, dreamer):
        cancel, told = threading.Event(), []

        def tell(progress: Progress) -> None:
            told.append(progress.step)
            if len(told) == 2:
                cancel.set()

        with pytest.raises(DreamStoppedError) as caught:
            dreamer.dream_array(PIXELS, progress=tell, cancel=cancel, **QUICK)
        assert told == [1, 2]
        # What there was: two steps of the first octave, enlarged.
        partial = caught.value.partial
        assert partial.shape == PIXELS.shape
        assert 0 < np.abs(partial - PIXELS).mean() < 0.1

    def test_by_a_deadline(self, dreamer):
        with pytest.raises(TimeoutError) as caught:
            dreamer.dream_array(PIXELS, timeout=0.1, octaves=1, steps=100_000)
        assert isinstance(caught.value, DreamTimeoutError)

    @pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
    def test_a_deadline_is_a_number_of_seconds(self, dreamer, timeout):
        with pytest.raises(RecipeError, match="timeout in seconds must be"):
            dreamer.dream_array(PIXELS, timeout=timeout, **QUICK)

    def test_of_a_picture_there_is_a_picture(self, dreamer):
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(DreamStoppedError) as caught:
            dreamer.dream_picture(images.Picture(PIXELS), cancel=cancel, **QUICK)
        assert isinstance(caught.value.partial, images.Picture)
        with pytest.raises(DreamStoppedError) as caught:
            dreamer.dream(np.uint8(255 * PIXELS), cancel=cancel, **QUICK)
        assert caught.value.partial.size == (52, 40)

    def test_an_asyncio_task(self, dreamer):
        async def run() -> str:
            cancel = threading.Event()
            work = asyncio.to_thread(
                dreamer.dream_array, PIXELS, cancel=cancel, octaves=1, steps=100_000
            )
            task = asyncio.create_task(work)
            await asyncio.sleep(0.1)
            cancel.set()
            try:
                await task
            except DreamStoppedError:
                return "stopped"
            return "done"

        assert asyncio.run(run()) == "stopped"

    def test_the_dreamer_goes_on_afterwards(self, dreamer):
        expected = dreamer.dream_array(PIXELS, **QUICK)
        with pytest.raises(DreamStoppedError):
            dreamer.dream_array(PIXELS, timeout=0, **QUICK)
        assert dreamer.dream_array(PIXELS, **QUICK).tobytes() == expected.tobytes()
