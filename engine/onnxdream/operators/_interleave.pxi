# Interleave and PixelShuffle: pictures put together from those of each phase of a stride.
#
# The phases count from the first element of the padding: element i of an axis is
# number (i + before) // stride of phase (i + before) % stride.

cdef enum:
    _MOST_PHASES = 64


cdef struct _Phase:
    # NULL stands for zeros.
    const float* data
    int64_t height
    int64_t width


cdef struct _Interleave:
    const float* x
    float* out
    Planes planes
    Bands bands
    _Phase phases[_MOST_PHASES]
    int64_t[2] strides
    int64_t[2] before
    Gate gate


cdef inline int64_t _before(const Windows* windows, int axis, int64_t size) noexcept nogil:
    """Return the padding in front of an axis over which windows moved."""
    cdef int64_t extent, padding, stride = windows.strides[axis]
    if windows.auto_pad != SAME_UPPER and windows.auto_pad != SAME_LOWER:
        return windows.before[axis]
    extent = (windows.kernel[axis] - 1) * windows.dilations[axis] + 1
    padding = max(0, (_ceil_div(size, stride) - 1) * stride + extent - size)
    return (padding + (windows.auto_pad == SAME_LOWER)) // 2


cdef inline int64_t _needed(int64_t size, int64_t stride, int64_t before, int64_t phase) noexcept nogil:
    """Return how many elements of a phase an axis needs, counted from its padding."""
    return max(0, _ceil_div(size + before - phase, stride))


cdef inline void _spread_phase(
    const Lanes* phase,
    const Lanes* x,
    Lanes* out,
    Py_ssize_t step,
    Py_ssize_t stride,
    Py_ssize_t count,
    Lanes low,
    Lanes high,
) noexcept nogil:
    """Put count pixels of a phase, those behind its gate, into every stride-th pixel of out."""
    cdef Py_ssize_t pixel, lane
    for pixel in range(count):
        for lane in range(step):
            out[lane] = between[Lanes](phase[lane], x[lane], low, high)
        phase += step
        x += stride * step
        out += stride * step


cdef inline void _clear_phase(
    Lanes* out, Py_ssize_t step, Py_ssize_t stride, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t pixel, lane
    cdef Lanes zero
    spread[Lanes](&zero, 0)
    for pixel in range(count):
        for lane in range(step):
            out[lane] = zero
        out += stride * step


cdef inline void _interleave_rows(
    const _Interleave* todo,
    const Lanes* x,
    Lanes* out,
    Py_ssize_t plane,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one plane of out."""
    cdef Py_ssize_t row, column, count, here, deep, aside
    cdef Py_ssize_t width = todo.planes.width, stride = todo.strides[1]
    cdef const _Phase* phase
    cdef const Lanes* data
    cdef Lanes low, high
    spread[Lanes](&low, todo.gate.low)
    spread[Lanes](&high, todo.gate.high)
    for row in range(first, last):
        for column in range(min(stride, width)):
            deep, aside = row + todo.before[0], column + todo.before[1]
            phase = &todo.phases[deep % todo.strides[0] * stride + aside % stride]
            count = (width - column + stride - 1) // stride
            here = (row * width + column) * step
            if phase.data == NULL:
                _clear_phase[Lanes](out + here, step, stride, count)
                continue
            data = <const Lanes*> phase.data
            data += (plane * phase.height + deep // todo.strides[0]) * phase.width * step
            data += aside // stride * step
            # Numbers that the compiler knows make loops without a multiplication.
            if stride == 2 and step == 1:
                _spread_phase[Lanes](data, x + here, out + here, 1, 2, count, low, high)
            else:
                _spread_phase[Lanes](data, x + here, out + here, step, stride, count, low, high)


cdef void _interleave_band(void* job, size_t item) noexcept nogil:
    cdef const _Interleave* todo = <const _Interleave*> job
    cdef Part part = part_of(&todo.planes, &todo.bands, item)
    cdef Py_ssize_t block = todo.planes.block
    cdef const float* x = todo.x + part.offset
    cdef float* out = todo.out + part.offset
    if block % LANES == 0:
        _interleave_rows[lanes](
            todo, <const lanes*> x, <lanes*> out,
            part.plane, block // LANES, part.first, part.last,
        )
    else:
        _interleave_rows[float](todo, x, out, part.plane, block, part.first, part.last)


cdef _Phase _phase_of(
    Call* call, const Tensor* x, const Tensor* phase, int64_t height, int64_t width
) noexcept nogil:
    """Return a phase of x, which must reach as far as height and width, or be empty."""
    cdef _Phase found
    found.data, found.height, found.width = NULL, 0, 0
    expect(call, phase.rank == 4, "a phase must have the dimensions [N, C, H, W]")
    if call.failure == NULL and phase.count > 0:
        expect(
            call,
            phase.dims[0] == x.dims[0] and phase.dims[1] == x.dims[1]
            and phase.dims[2] >= height and phase.dims[3] >= width,
            "a phase is too small, or differs from x in its images or channels",
        )
        found.data, found.height, found.width = phase.data, phase.dims[2], phase.dims[3]
    return found


cdef OrtStatus* interleave(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Attributes* attributes = <Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0), phase
    cdef int64_t[2] strides = attributes.windows.strides
    cdef int64_t k, phases = strides[0] * strides[1]
    cdef size_t inputs = input_count(&call)
    cdef _Interleave job
    job.planes = planes_of(&call, &x, attributes.block)
    job.bands = bands_of(&job.planes)
    job.strides, job.gate = strides, attributes.gate
    job.before[0] = _before(&attributes.windows, 0, job.planes.height)
    job.before[1] = _before(&attributes.windows, 1, job.planes.width)
    expect(&call, phases <= _MOST_PHASES, "there must be no more than 64 phases")
    expect(&call, <int64_t> inputs == phases + 1, "there must be as many phases as strides make")
    for k in range(phases if call.failure == NULL else 0):
        phase = input_tensor(&call, k + 1)
        job.phases[k] = _phase_of(
            &call,
            &x,
            &phase,
            _needed(job.planes.height, strides[0], job.before[0], k // strides[1]),
            _needed(job.planes.width, strides[1], job.before[1], k % strides[1]),
        )
    job.x = x.data
    job.out = output_data(&call, 0, x.dims, x.rank)
    return run(&call, _interleave_band, items_of(&job.planes, &job.bands), &job)


cdef struct _PixelShuffle:
    const float* phases
    float* out
    # Those of out.
    int64_t channels
    int64_t height
    int64_t width
    # Those of the phases.
    int64_t blocks
    int64_t block
    int64_t phase_height
    int64_t phase_width
    int64_t[2] strides
    int64_t[2] before
    int64_t rows
    int64_t bands


cdef void _pixel_shuffle_band(void* job, size_t item) noexcept nogil:
    cdef const _PixelShuffle* todo = <const _PixelShuffle*> job
    cdef Py_ssize_t image = <Py_ssize_t> item // todo.bands
    cdef Py_ssize_t first = <Py_ssize_t> item % todo.bands * todo.rows
    cdef Py_ssize_t last = min(first + todo.rows, todo.height)
    cdef Py_ssize_t row, c, column, count, i, k, deep, aside
    cdef Py_ssize_t stride = todo.strides[1], block = todo.block
    cdef const float* phase
    cdef float* out
    for row in range(first, last):
        for c in range(todo.channels):
            for column in range(min(stride, todo.width)):
                deep, aside = row + todo.before[0], column + todo.before[1]
                k = (deep % todo.strides[0] * stride + aside % stride) * todo.channels + c
                phase = todo.phases + k % block + block * (
                    todo.phase_width
                    * ((image * todo.blocks + k // block) * todo.phase_height
                       + deep // todo.strides[0])
                    + aside // stride
                )
                out = todo.out + (
                    (image * todo.channels + c) * todo.height + row
                ) * todo.width + column
                count = (todo.width - column + stride - 1) // stride
                for i in range(count):
                    out[i * stride] = phase[i * block]


cdef OrtStatus* pixel_shuffle(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef Attributes* attributes = <Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor phases = input_tensor(&call, 1)
    cdef int64_t[2] strides = attributes.windows.strides
    cdef Planes planes = planes_of(&call, &phases, attributes.block)
    cdef int64_t images = 0
    cdef _PixelShuffle job
    job.channels, job.strides, job.block = attributes.channels, strides, attributes.block
    job.phase_height, job.phase_width = planes.height, planes.width
    expect(
        &call,
        x.rank == 4 and x.dims[1] == job.channels,
        "x must have the dimensions [N, channels, H, W]",
    )
    if call.failure == NULL:
        images, job.height, job.width = x.dims[0], x.dims[2], x.dims[3]
        job.before[0] = _before(&attributes.windows, 0, job.height)
        job.before[1] = _before(&attributes.windows, 1, job.width)
        expect(
            &call,
            phases.dims[0] == images
            and phases.dims[1] >= job.channels * strides[0] * strides[1]
            and planes.height >= _needed(job.height, strides[0], job.before[0], 0)
            and planes.width >= _needed(job.width, strides[1], job.before[1], 0),
            "the phases are too small for x",
        )
    if call.failure == NULL:
        job.blocks = phases.dims[1] // job.block
        job.rows = 2 * strides[0] * max(1, _BAND_FLOATS // (8 * max(1, job.width)))
        job.bands = _ceil_div(job.height, job.rows)
        images = images if job.width > 0 else 0
    job.phases = phases.data
    job.out = output_data(&call, 0, x.dims, x.rank)
    return run(&call, _pixel_shuffle_band, images * job.bands if call.failure == NULL else 0, &job)
