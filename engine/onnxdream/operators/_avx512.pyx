"""The operators for x86 processors that have AVX-512; setup.py compiles it with it."""

include "_all.pxi"
