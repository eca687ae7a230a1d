"""The operators for any processor."""

include "_all.pxi"
