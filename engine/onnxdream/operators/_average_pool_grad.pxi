# AveragePoolGrad: every element of a window takes the same share of its gradient.

cdef struct _AveragePoolGrad:
    const float* x
    const float* g
    float* out
    Planes planes
    Bands bands
    Axis rows
    Axis columns
    Gate gate
    bint pads_count
    bint out_of_memory


cdef inline float _share(const Axis* axis, bint pads_count, int64_t window) noexcept nogil:
    """Return one over the number of elements that a window averages along one axis."""
    cdef int64_t first = window * axis.stride - axis.before
    cdef int64_t last = first + axis.kernel
    if pads_count:
        return 1.0 / (min(last, axis.size + axis.after) - max(first, -axis.before))
    return 1.0 / (min(last, axis.size) - max(first, 0))


cdef inline void _add_share(
    Lanes* sums, const Lanes* g, float share, Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Lanes all
    spread[Lanes](&all, share)
    for i in range(count):
        sums[i] = sums[i] + all * g[i]


cdef inline void _multiply(Lanes* sums, const Lanes* shares, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        sums[i] = sums[i] * shares[i]


cdef inline void _sum_next(
    const float* sums,
    Py_ssize_t terms,
    Py_ssize_t block,
    const Lanes* x,
    Lanes* out,
    Gate gate,
    Py_ssize_t count,
) noexcept nogil:
    """Set out to sums of so many floats of a row, one every block, gated by x."""
    cdef Py_ssize_t i, term
    cdef Lanes total, low, high
    cdef const float* first
    spread[Lanes](&low, gate.low)
    spread[Lanes](&high, gate.high)
    for i in range(count):
        first = <const float*> (<const Lanes*> sums + i)
        total = (<const Lanes*> first)[0]
        for term in range(1, terms):
            total = total + (<const Lanes*> (first + term * block))[0]
        out[i] = between[Lanes](total, x[i], low, high)


cdef inline void _add_windows(
    const Lanes* sums, Lanes* totals, const Axis* axis, Py_ssize_t step
) noexcept nogil:
    """Add to the elements of a row what their windows have for each."""
    cdef Py_ssize_t window, element, first, lane
    for window in range(axis.windows):
        first = window * axis.stride - axis.before
        for element in range(max(0, first), min(axis.size, first + axis.kernel)):
            for lane in range(step):
                totals[element * step + lane] = (
                    totals[element * step + lane] + sums[window * step + lane]
                )


cdef inline void _average_pool_grad_row(
    const _AveragePoolGrad* todo,
    const float* x,
    const float* g,
    float* out,
    float* sums,
    const float* shares,
    float* totals,
    Py_ssize_t row,
) noexcept nogil:
    """Fill one row of out, of which x and out are the first floats, and g is the plane.

    sums has room for a row of g, with zeros around it where windows do not skip any
    elements; shares are those of its columns. totals has room for a row of out.
    """
    cdef const Axis* columns = &todo.columns
    cdef Py_ssize_t block = todo.planes.block, terms = 1, window
    cdef Py_ssize_t length = columns.windows * block, whole = length // LANES
    cdef Py_ssize_t done = whole * LANES
    cdef const float* here
    cdef float share
    memset(sums, 0, length * sizeof(float))
    for window in range(first_reaching(&todo.rows, row), last_starting(&todo.rows, row)):
        share = _share(&todo.rows, todo.pads_count, window)
        here = g + window * length
        _add_share[lanes](<lanes*> sums, <const lanes*> here, share, whole)
        _add_share[float](sums + done, here + done, share, length - done)
    _multiply[lanes](<lanes*> sums, <const lanes*> shares, whole)
    _multiply[float](sums + done, shares + done, length - done)
    length = columns.size * block
    whole = length // LANES
    done = whole * LANES
    if columns.stride == 1:
        totals = sums - (columns.kernel - 1 - columns.before) * block
        terms = columns.kernel
    else:
        memset(totals, 0, length * sizeof(float))
        if block % LANES == 0:
            _add_windows[lanes](<const lanes*> sums, <lanes*> totals, columns, block // LANES)
        else:
            _add_windows[float](sums, totals, columns, block)
    # A number of terms that the compiler knows is a loop it can unroll.
    if terms == 3:
        _sum_next[lanes](totals, 3, block, <const lanes*> x, <lanes*> out, todo.gate, whole)
    else:
        _sum_next[lanes](totals, terms, block, <const lanes*> x, <lanes*> out, todo.gate, whole)
    _sum_next[float](
        totals + done, terms, block, x + done, out + done, todo.gate, length - done
    )


cdef void _average_pool_grad_band(void* job, size_t item) noexcept nogil:
    cdef _AveragePoolGrad* todo = <_AveragePoolGrad*> job
    cdef Part part = part_of(&todo.planes, &todo.bands, item)
    cdef const Axis* columns = &todo.columns
    cdef Py_ssize_t block = todo.planes.block, windows = columns.windows * block
    cdef Py_ssize_t length = columns.size * block, margin = columns.kernel * block
    cdef const float* g = todo.g + part.plane * todo.rows.windows * windows
    cdef Py_ssize_t i, row
    # In front of the sums and behind them, room for the zeros.
    cdef Scratch scratch = scratch_of(2 * margin + 2 * windows + length, 0)
    cdef float* sums = scratch.floats + margin
    cdef float* shares = sums + windows + margin
    if scratch.floats == NULL:
        todo.out_of_memory = True
        return
    for i in range(windows):
        shares[i] = _share(columns, todo.pads_count, i // block)
    for row in range(part.first, part.last):
        _average_pool_grad_row(
            todo, todo.x + part.offset + row * length, g, todo.out + part.offset + row * length,
            sums, shares, shares + windows, row,
        )
    free(scratch.memory)


cdef OrtStatus* average_pool_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor g = input_tensor(&call, 1)
    cdef _AveragePoolGrad job
    job.planes = planes_of(&call, &x, attributes.block)
    job.bands = bands_of(&job.planes)
    expect_images(&call, &x, &g)
    expect_no_dilation(&call, &attributes.windows)
    if call.failure == NULL:
        job.rows = axis_of(&call, &attributes.windows, 0, x.dims[2], g.dims[2])
        job.columns = axis_of(&call, &attributes.windows, 1, x.dims[3], g.dims[3])
    job.pads_count = attributes.windows.pads_count
    job.x, job.g, job.gate, job.out_of_memory = x.data, g.data, attributes.gate, False
    job.out = output_data(&call, 0, x.dims, x.rank)
    run(&call, _average_pool_grad_band, items_of(&job.planes, &job.bands), &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure
