"""The compiled core: everything else about the package is said in pyproject.toml."""

import platform
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}

KERNELS = Path("engine/onnxdream/kernels")

if sys.platform == "win32":
    COMPILE, LINK = ["/O2"], []
else:
    # The kernels have no use for errno or floating-point traps, and without
    # them the compiler can vectorise comparisons and square roots. Contraction
    # would round differently from machine to machine.
    COMPILE = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
    LINK = ["-Wl,-s"] if sys.platform == "linux" else []


def extension(name: str, *flags: str, **more: object) -> Extension:
    """One module of the core; without a compiler the NumPy twin takes its place."""
    return Extension(
        f"onnxdream.kernels.{name}",
        [str(KERNELS / f"{name}.pyx")],
        # What a module includes or cimports rebuilds it, and goes into the sdist.
        depends=[str(path) for pattern in ("*.pyx", "*.pxd") for path in KERNELS.glob(pattern)],
        extra_compile_args=[*COMPILE, *flags],
        extra_link_args=LINK,
        optional=True,
        **more,
    )


extensions = [extension("_compiled")]
if platform.machine() in ("x86_64", "AMD64") and sys.platform != "win32":
    extensions.append(extension("_compiled_avx2", "-mavx2"))


setup(
    packages=[
        "onnxdream",
        "onnxdream.autodiff",
        "onnxdream.graph",
        "onnxdream.images",
        "onnxdream.kernels",
        "onnxdream.lowering",
        "onnxdream.lowering.portable",
        "onnxdream.models",
        "onnxdream.runtime",
    ],
    package_dir={"": "engine", "onnxdream.models": "models"},
    package_data={
        "onnxdream": ["py.typed"],
        "onnxdream.kernels": ["*.pyi"],
        "onnxdream.models": ["*.onnx", "*.md", "*.LICENSE"],
    },
    ext_modules=cythonize(extensions, compiler_directives=DIRECTIVES),
)
