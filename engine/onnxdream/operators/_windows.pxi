# Sliding windows, as in onnxdream.autodiff.windows: window i of an axis reads the
# elements i * stride - before + k * dilation.

cdef struct Axis:
    int64_t size
    int64_t windows
    int64_t kernel
    int64_t stride
    int64_t dilation
    int64_t before
    int64_t after


cdef inline int64_t _ceil_div(int64_t a, int64_t b) noexcept nogil:
    """Return a / b rounded up, for b > 0."""
    return a // b + (1 if a % b > 0 else 0)


cdef inline int64_t _floor_div(int64_t a, int64_t b) noexcept nogil:
    """Return a / b rounded down, for b > 0."""
    return a // b - (1 if a % b < 0 else 0)


cdef Axis axis_of(
    Call* call, const Windows* windows, int which, int64_t size, int64_t count
) noexcept nogil:
    """Return count windows over an axis, with their padding; count must be what it would be."""
    cdef Axis axis
    cdef int64_t extent, room, padding
    cdef bint fits
    axis.size, axis.windows = size, count
    axis.kernel, axis.stride = windows.kernel[which], windows.strides[which]
    axis.dilation = windows.dilations[which]
    axis.before, axis.after = windows.before[which], windows.after[which]
    extent = (axis.kernel - 1) * axis.dilation + 1
    if windows.auto_pad == SAME_UPPER or windows.auto_pad == SAME_LOWER:
        fits = count == _ceil_div(size, axis.stride)
        padding = max(0, (count - 1) * axis.stride + extent - size)
        axis.before = (padding + (windows.auto_pad == SAME_LOWER)) // 2
        axis.after = padding - axis.before
    else:
        room = size + axis.before + axis.after - extent
        fits = room >= 0 and count >= room // axis.stride + 1
        if windows.ceil_mode:
            fits = fits and count <= _ceil_div(room, axis.stride) + 1
        else:
            fits = fits and count == room // axis.stride + 1
    expect(call, fits, "the size of a window's result is not what its attributes make it")
    return axis


cdef inline int64_t first_whole(const Axis* axis) noexcept nogil:
    """Return the first window that reaches into no padding in front, if there is one."""
    return min(axis.windows, _ceil_div(axis.before, axis.stride))


cdef inline int64_t last_whole(const Axis* axis) noexcept nogil:
    """Return where the windows end that reach into no padding behind."""
    cdef int64_t reach = (axis.kernel - 1) * axis.dilation
    cdef int64_t end = _floor_div(axis.size - 1 - reach + axis.before, axis.stride) + 1
    return max(first_whole(axis), min(axis.windows, end))


cdef inline int64_t first_reaching(const Axis* axis, int64_t element) noexcept nogil:
    """Return the first window that reaches as far as an element."""
    cdef int64_t reach = (axis.kernel - 1) * axis.dilation
    return max(0, _ceil_div(element + axis.before - reach, axis.stride))


cdef inline int64_t last_starting(const Axis* axis, int64_t element) noexcept nogil:
    """Return where the windows end that begin no later than at an element."""
    return min(axis.windows, _floor_div(element + axis.before, axis.stride) + 1)


cdef void expect_no_dilation(Call* call, const Windows* windows) noexcept nogil:
    expect(call, windows.dilations[0] == 1 and windows.dilations[1] == 1, "dilations must be 1")


cdef int64_t window_count(const Windows* windows, int which, int64_t size) noexcept nogil:
    """Return how many windows an axis has, where ceil_mode is 0."""
    cdef int64_t extent = (windows.kernel[which] - 1) * windows.dilations[which] + 1
    if windows.auto_pad == SAME_UPPER or windows.auto_pad == SAME_LOWER:
        return _ceil_div(size, windows.strides[which])
    size += windows.before[which] + windows.after[which]
    return max(0, _floor_div(size - extent, windows.strides[which]) + 1)
