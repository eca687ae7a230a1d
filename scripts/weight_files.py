"""Read weights out of pickles without running what a pickle may ask for.

A pickle names functions to call. These readers know the few names that a file
of weights has a reason for, give each a harmless meaning, and refuse the rest.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["read_numpy_pickle", "read_torch_state"]

_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_TORCH_PROTOCOL = 1001


class _Restricted(pickle.Unpickler):
    """An unpickler for which no names exist but those it is given."""

    def __init__(self, file: io.BytesIO, names: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(
                f"The file asks for {module}.{name}, which weights have no use for."
            ) from None


def read_numpy_pickle(content: bytes) -> Any:
    """What a pickle of NumPy arrays in plain containers holds.

    Parameters
    ----------
    content : bytes
        The pickle.

    Raises
    ------
    pickle.UnpicklingError
        If the pickle asks for anything but arrays, or is cut short.
    """
    reconstruct = np.empty(0).__reduce__()[0]
    names = {
        "numpy.ndarray": np.ndarray,
        "numpy.dtype": np.dtype,
        "numpy.core.multiarray._reconstruct": reconstruct,
        "numpy._core.multiarray._reconstruct": reconstruct,
    }
    return _load(_Restricted(io.BytesIO(content), names))


def read_torch_state(content: bytes) -> dict[str, np.ndarray]:
    """A PyTorch state dict from a file of the format before PyTorch 1.6, without torch.

    Such a file is a pickled magic number, protocol number and description of
    the machine, then the pickled dict, in which storages are only mentioned,
    then a pickled list of the storages' keys, and for each of them its number
    of elements and its bytes.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    dict of str to ndarray
        Each tensor under its name.

    Raises
    ------
    pickle.UnpicklingError
        If the file is of another format, cut short, or asks for anything but
        dense tensors of float32 and int64.
    """
    file = io.BytesIO(content)
    head = [_load(_Restricted(file, {})) for _ in range(3)]
    if head[:2] != [_TORCH_MAGIC, _TORCH_PROTOCOL] or not head[2]["little_endian"]:
        raise pickle.UnpicklingError("The file is not a PyTorch file of the old format.")
    state = _TorchState(file)
    tensors: dict[str, np.ndarray] = dict(_load(state))
    for key in _load(_Restricted(file, {})):
        storage = state.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.size or file.readinto(storage.data) != storage.nbytes:
            raise pickle.UnpicklingError(f"Storage {key} is not of the size it should have.")
    return tensors


class _TorchState(_Restricted):
    """Tensors as views of arrays whose values come later in the file."""

    def __init__(self, file: io.BytesIO) -> None:
        names = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _view,
            "torch.FloatStorage": np.dtype("<f4"),
            "torch.LongStorage": np.dtype("<i8"),
        }
        super().__init__(file, names)
        self.storages: dict[str, np.ndarray] = {}

    def persistent_load(self, mention: tuple[str, np.dtype[Any], str, str, int, None]) -> Any:
        _, dtype, key, _, count, _ = mention
        if key not in self.storages:
            self.storages[key] = np.empty(count, dtype)
        return self.storages[key]


def _view(
    storage: np.ndarray, offset: int, size: Sequence[int], stride: Sequence[int], *_: object
) -> np.ndarray:
    item = storage.itemsize
    # NumPy itself refuses a view that leaves its buffer.
    return np.ndarray(
        tuple(size), storage.dtype, storage, offset * item, tuple(item * step for step in stride)
    )


def _load(unpickler: pickle.Unpickler) -> Any:
    """What the unpickler reads; damage of any kind is one kind of error."""
    try:
        return unpickler.load()
    except (EOFError, ValueError, TypeError, IndexError, KeyError) as error:
        raise pickle.UnpicklingError(f"The file is damaged: {error}") from error
