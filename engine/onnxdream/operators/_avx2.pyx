"""The operators for x86 processors that have AVX2 and FMA; setup.py compiles it with both."""

include "_all.pxi"
