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
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one plane of out; sums has room for a row of g."""
    cdef const Axis* rows = &todo.rows
    cdef const Axis* columns = &todo.columns
    cdef Py_ssize_t length = columns.windows * step
    cdef Py_ssize_t row, column, window, i, at
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
            spread[Lanes](&share, _share(columns, todo.pads_count, window))
            for i in range(window * step, (window + 1) * step):
                sums[i] = share * sums[i]
        for column in range(columns.size):
            for i in range(step):
                spread[Lanes](&total, 0)
                for window in range(
                    first_reaching(columns, column), last_starting(columns, column)
                ):
                    total = total + sums[window * step + i]
                at = (row * columns.size + column) * step + i
                out[at] = between[Lanes](total, x[at], low, high)


cdef void _average_pool_grad_band(void* job, size_t item) noexcept nogil:
    cdef _AveragePoolGrad* todo = <_AveragePoolGrad*> job
    cdef Part part = part_of(&todo.planes, &todo.bands, item)
    cdef Py_ssize_t block = todo.planes.block, row = todo.columns.windows * block
    cdef const float* x = todo.x + part.offset
    cdef const float* g = todo.g + part.plane * todo.rows.windows * row
    cdef float* out = todo.out + part.offset
    cdef Scratch sums = scratch_of(row, 0)
    if sums.floats == NULL:
        todo.out_of_memory = True
    elif block % LANES == 0:
        _average_pool_grad_rows[lanes](
            todo, <const lanes*> x, <const lanes*> g, <lanes*> out, <lanes*> sums.floats,
            block // LANES, part.first, part.last,
        )
    else:
        _average_pool_grad_rows[float](
            todo, x, g, out, sums.floats, block, part.first, part.last
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
    expect(&call, not job.out_of_memory, NO_MEMORY)
    return call.failure
