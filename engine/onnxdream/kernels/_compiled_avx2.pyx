"""The compiled kernels once more, for x86 processors that have AVX2.

setup.py compiles this file with AVX2 and without fused multiply-add, so that it
gives the same bytes as ``_compiled``, sooner.
"""

include "_compiled.pyx"
