"""The operators for any processor."""

include "_operators.pxi"
