"""The compiled core: everything else about the package is said in pyproject.toml."""

import os
import platform
import sys
from multiprocessing import get_start_method
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}

PACKAGE = Path("engine/onnxdream")
# What a module includes or cimports rebuilds it, and goes into the sdist.
SOURCES = [
    str(path)
    for room in ("kernels", "operators")
    for path in sorted((PACKAGE / room).iterdir())
    if path.suffix in {".pyx", ".pxd", ".pxi"}
]

if sys.platform == "win32":
    COMPILE, LINK = ["/O2"], []
else:
    # The kernels have no use for errno or floating-point traps, and without
    # them the compiler can vectorise comparisons and square roots. Contraction
    # would round differently from machine to machine.
    COMPILE = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0"]
    LINK = ["-Wl,-s"] if sys.platform == "linux" else []
# Inner loops are written once and specialised by the numbers that they are called with,
# which takes inlining.
INLINE = "__forceinline" if sys.platform == "win32" else "inline __attribute__((always_inline))"


def extension(name: str, *flags: str, **more: object) -> Extension:
    """One module of the core, by its name in the package."""
    return Extension(
        f"onnxdream.{name}",
        [str(PACKAGE.joinpath(*name.split(".")).with_suffix(".pyx"))],
        depends=SOURCES,
        define_macros=[("CYTHON_INLINE", INLINE)],
        extra_compile_args=[*COMPILE, *flags],
        extra_link_args=LINK,
        **more,
    )


# Operators need not round alike on every machine: fused multiplications are welcome.
FUSE = [] if sys.platform == "win32" else ["-ffp-contract=fast"]
# ONNX Runtime looks for one symbol in each of their libraries.
OPERATORS = {"export_symbols": ["RegisterCustomOps"]}

extensions = [
    extension("operators._baseline", *FUSE, **OPERATORS),
    extension("kernels._compiled"),
    extension("kernels._processor"),
]
if platform.machine() in ("x86_64", "AMD64") and sys.platform != "win32":
    avx2 = ["-mavx2", "-mfma"]
    avx512 = [f"-mavx512{part}" for part in ("f", "vl", "bw", "dq")]
    # What takes longest comes first, so that no core is left with it in the end.
    extensions = [
        extension(
            "operators._avx512", *FUSE, *avx2, *avx512, "-mprefer-vector-width=512", **OPERATORS
        ),
        extension("operators._avx2", *FUSE, *avx2, **OPERATORS),
        *extensions,
        extension("kernels._compiled_avx2", "-mavx2"),
    ]

extensions = cythonize(
    extensions,
    compiler_directives=DIRECTIVES,
    # Where processes are not forked, each would run this file from its beginning.
    nthreads=(os.cpu_count() or 1) if get_start_method() == "fork" else 0,
)
for each in extensions:
    # Without a compiler the NumPy twin takes their place. Said of what cythonize is
    # given, it would be lost.
    each.optional = True

setup(
    packages=[*find_packages("engine"), "onnxdream.models"],
    package_dir={"": "engine", "onnxdream.models": "models"},
    include_package_data=False,  # the sources of the extensions stay in the sdist
    package_data={
        "onnxdream": ["py.typed"],
        "onnxdream.kernels": ["*.pyi"],
        "onnxdream.models": ["*.onnx", "*.md", "*.LICENSE"],
    },
    ext_modules=extensions,
    options={"build_ext": {"parallel": os.cpu_count()}},
)
