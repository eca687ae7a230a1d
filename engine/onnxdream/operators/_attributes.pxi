# The attributes of the operators: read and checked once, when a session is made.

from libc.math cimport INFINITY
from libc.stdint cimport int64_t
from libc.string cimport strcmp


cdef enum:
    # Beyond any sense, and so small that products of two fit an int64 with ease.
    _LARGEST = 1 << 20
    _LONGEST_TEXT = 16


cdef enum AutoPad:
    NOTSET
    VALID
    SAME_UPPER
    SAME_LOWER


cdef enum:
    # What an operator cannot do without.
    NEEDS_KERNEL = 1
    NEEDS_STRIDES = 2
    NEEDS_CHANNELS = 4
    NEEDS_SIZE = 8
    NEEDS_MEAN = 16
    NEEDS_STD = 32


cdef struct Gate:
    # A gradient passes where low < activation < high.
    float low
    float high


cdef struct Windows:
    # Of each pair, the first is vertical. before and after are the pads.
    int64_t[2] kernel
    int64_t[2] strides
    int64_t[2] dilations
    int64_t[2] before
    int64_t[2] after
    AutoPad auto_pad
    bint ceil_mode
    bint pads_count


cdef struct Attributes:
    # All that any operator may bear; what it does not bear has its default.
    OrtApi api
    int64_t block
    Gate gate
    Gate inner_gate
    Gate expanded_gate
    Windows windows
    int64_t channels
    int64_t size
    float alpha
    float beta
    float bias
    bint bgr
    float[3] mean
    float[3] std


cdef struct Reader:
    # Reading goes on after a failure, and the first one is kept.
    OrtApi api
    const OrtKernelInfo* info
    OrtStatus* failure


cdef void _fail(Reader* reader, const char* message) noexcept nogil:
    if reader.failure == NULL:
        reader.failure = create_status(reader.api, ORT_INVALID_ARGUMENT, message)


cdef bint _present(Reader* reader, OrtStatus* status) noexcept nogil:
    """Return whether an attribute is there, given what reading it said."""
    if status != NULL:
        release_status(reader.api, status)
    return status == NULL


cdef int64_t _integer(
    Reader* reader, const char* name, int64_t low, int64_t fallback, const char* message
) noexcept nogil:
    cdef int64_t value = 0
    if not _present(reader, get_attribute_int64(reader.api, reader.info, name, &value)):
        return fallback
    if not low <= value <= _LARGEST:
        _fail(reader, message)
    return value


cdef float _number(Reader* reader, const char* name, float fallback) noexcept nogil:
    cdef float value = 0
    if not _present(reader, get_attribute_float(reader.api, reader.info, name, &value)):
        return fallback
    return value


cdef bint _integers(
    Reader* reader,
    const char* name,
    int64_t low,
    int64_t* values,
    size_t count,
    const char* message,
) noexcept nogil:
    """Read exactly count integers, if any, and return whether they are there."""
    cdef size_t found = 0, i
    if not _present(reader, get_attribute_int64s(reader.api, reader.info, name, NULL, &found)):
        return False
    if found != count:
        _fail(reader, message)
        return True
    if not _present(reader, get_attribute_int64s(reader.api, reader.info, name, values, &found)):
        _fail(reader, message)
        return True
    for i in range(count):
        if not low <= values[i] <= _LARGEST:
            _fail(reader, message)
    return True


cdef bint _three_numbers(
    Reader* reader, const char* name, float* values, const char* message
) noexcept nogil:
    cdef size_t found = 0
    if not _present(reader, get_attribute_floats(reader.api, reader.info, name, NULL, &found)):
        return False
    if found != 3 or not _present(
        reader, get_attribute_floats(reader.api, reader.info, name, values, &found)
    ):
        _fail(reader, message)
    return True


cdef AutoPad _auto_pad(Reader* reader) noexcept nogil:
    cdef size_t size = 0
    cdef char[_LONGEST_TEXT] text
    if not _present(reader, get_attribute_string(reader.api, reader.info, "auto_pad", NULL, &size)):
        return NOTSET
    if size <= _LONGEST_TEXT and _present(
        reader, get_attribute_string(reader.api, reader.info, "auto_pad", text, &size)
    ):
        if strcmp(text, "NOTSET") == 0:
            return NOTSET
        if strcmp(text, "VALID") == 0:
            return VALID
        if strcmp(text, "SAME_UPPER") == 0:
            return SAME_UPPER
        if strcmp(text, "SAME_LOWER") == 0:
            return SAME_LOWER
    _fail(reader, "auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    return NOTSET


cdef void _read_windows(Reader* reader, int needs, Windows* windows) noexcept nogil:
    cdef int64_t[4] pads
    cdef int axis
    cdef bint given
    for axis in range(4):
        pads[axis] = 0
    for axis in range(2):
        windows.kernel[axis] = windows.strides[axis] = windows.dilations[axis] = 1
    if not _integers(
        reader, "kernel_shape", 1, windows.kernel, 2, "kernel_shape must be two positive integers"
    ) and needs & NEEDS_KERNEL:
        _fail(reader, "kernel_shape is missing")
    if not _integers(
        reader, "strides", 1, windows.strides, 2, "strides must be two positive integers"
    ) and needs & NEEDS_STRIDES:
        _fail(reader, "strides is missing")
    _integers(
        reader, "dilations", 1, windows.dilations, 2, "dilations must be two positive integers"
    )
    _integers(reader, "pads", 0, pads, 4, "pads must be four integers, none negative")
    windows.auto_pad = _auto_pad(reader)
    given = windows.auto_pad == NOTSET
    for axis in range(2):
        windows.before[axis] = pads[axis] if given else 0
        windows.after[axis] = pads[axis + 2] if given else 0
    windows.ceil_mode = _integer(reader, "ceil_mode", 0, 0, "ceil_mode must be 0 or 1") != 0
    windows.pads_count = (
        _integer(reader, "count_include_pad", 0, 0, "count_include_pad must be 0 or 1") != 0
    )


cdef OrtStatus* read_attributes(
    OrtApi api, const OrtKernelInfo* info, int needs, Attributes* found
) noexcept nogil:
    cdef Reader reader
    reader.api, reader.info, reader.failure = api, info, NULL
    found.api = api
    found.block = _integer(&reader, "block", 1, 1, "block must be a positive integer")
    found.gate.low = _number(&reader, "low", -INFINITY)
    found.gate.high = _number(&reader, "high", INFINITY)
    found.inner_gate.low = _number(&reader, "gate_low", -INFINITY)
    found.inner_gate.high = _number(&reader, "gate_high", INFINITY)
    found.expanded_gate.low = _number(&reader, "expand_low", -INFINITY)
    found.expanded_gate.high = _number(&reader, "expand_high", INFINITY)
    _read_windows(&reader, needs, &found.windows)
    found.channels = _integer(&reader, "channels", 1, 0, "channels must be a positive integer")
    if needs & NEEDS_CHANNELS and found.channels == 0:
        _fail(&reader, "channels is missing")
    found.size = _integer(&reader, "size", 1, 0, "size must be a positive integer")
    if needs & NEEDS_SIZE and found.size == 0:
        _fail(&reader, "size is missing")
    found.alpha = _number(&reader, "alpha", 1e-4)
    found.beta = _number(&reader, "beta", 0.75)
    found.bias = _number(&reader, "bias", 1)
    found.bgr = _integer(&reader, "bgr", 0, 0, "bgr must be 0 or 1") != 0
    if not _three_numbers(
        &reader, "mean", found.mean, "mean must be three numbers"
    ) and needs & NEEDS_MEAN:
        _fail(&reader, "mean is missing")
    if not _three_numbers(
        &reader, "std", found.std, "std must be three numbers"
    ) and needs & NEEDS_STD:
        _fail(&reader, "std is missing")
    return reader.failure
