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


cdef inline void _average_pool_grad_rows(
    const _AveragePoolGrad* todo,
    const Lanes* x,
    const Lanes* g,
    Lanes* out,
    Lanes* sums,
    const float* shares,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one plane of out.

    sums has room for a row of g; shares are those of its columns.
    """
    cdef const Axis* rows = &todo.rows
    cdef const Axis* columns = &todo.columns
    cdef Py_ssize_t length = columns.windows * step
    cdef Py_ssize_t row, column, window, begin, end, lane, i
    cdef Lanes low, high, share, total
    spread[Lanes](&low, todo.gate.low)
    spread[Lanes](&high, todo.gate.high)
    for row in range(first, last):
        memset(sums, 0, length * sizeof(Lanes))
        for window in range(first_reaching(rows, row), last_starting(rows, row)):
            spread[Lanes](&share, _share(rows, todo.pads_count, window))
            for i in range(length):
                sums[i] = sums[i] + share * g[window * length + i]
        for window in range(columns.windows):
            spread[Lanes](&share, shares[window])
            for lane in range(step):
                sums[window * step + lane] = share * sums[window * step + lane]
        begin, end = first_reaching(columns, 0), last_starting(columns, 0)
        i = row * columns.size * step
        for column in range(columns.size):
            # The windows that read this column are [begin, end).
            while begin < end and begin * columns.stride - columns.before + columns.kernel <= column:
                begin += 1
            while end < columns.windows and end * columns.stride - columns.before <= column:
                end += 1
            for lane in range(step):
                spread[Lanes](&total, 0)
                for window in range(begin, end):
                    total = total + sums[window * step + lane]
                out[i] = between[Lanes](total, x[i], low, high)
                i += 1


cdef void _average_pool_grad_band(void* job, size_t item) noexcept nogil:
    cdef _AveragePoolGrad* todo = <_AveragePoolGrad*> job
    cdef Part part = part_of(&todo.planes, &todo.bands, item)
    cdef Py_ssize_t block = todo.planes.block, row = todo.columns.windows * block
    cdef const float* x = todo.x + part.offset
    cdef const float* g = todo.g + part.plane * todo.rows.windows * row
    cdef float* out = todo.out + part.offset
    cdef Scratch sums = scratch_of(row + todo.columns.windows, 0)
    cdef float* shares = sums.floats + row
    cdef Py_ssize_t window
    if sums.floats != NULL:
        for window in range(todo.columns.windows):
            shares[window] = _share(&todo.columns, todo.pads_count, window)
    if sums.floats == NULL:
        todo.out_of_memory = True
    elif block % LANES == 0:
        _average_pool_grad_rows[lanes](
            todo, <const lanes*> x, <const lanes*> g, <lanes*> out, <lanes*> sums.floats, shares,
            block // LANES, part.first, part.last,
        )
    else:
        _average_pool_grad_rows[float](
            todo, x, g, out, sums.floats, shares, block, part.first, part.last
        )
    free(sums.memory)


cdef OrtStatus* average_pool_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor g = input_tensor(&call, 1)
    cdef _AveragePoolGrad job
    job.planes = planes_of(&call, &x, attributes.block)
    job.bands = bands_of(&job.planes)
    expect_images(&call, &x, &g)
    if call.failure == NULL:
        job.rows = axis_of(&call, &attributes.windows, 0, x.dims[2], g.dims[2])
        job.columns = axis_of(&call, &attributes.windows, 1, x.dims[3], g.dims[3])
    expect_no_dilation(&call, &attributes.windows)
    job.pads_count = attributes.windows.pads_count
    job.x, job.g, job.gate, job.out_of_memory = x.data, g.data, attributes.gate, False
    job.out = output_data(&call, 0, x.dims, x.rank)
    run(&call, _average_pool_grad_band, items_of(&job.planes, &job.bands), &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure
