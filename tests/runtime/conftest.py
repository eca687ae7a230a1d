"""The GPU of these tests."""

from fake_cuda import gpu

__all__ = ["gpu"]
