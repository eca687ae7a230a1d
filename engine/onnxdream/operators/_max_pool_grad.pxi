# MaxPoolGrad: the first maximum of each window, in row-major order, takes its gradient.

cdef struct _MaxPoolGrad:
    const float* x
    const float* y
    const float* g
    float* out
    Planes planes
    Bands bands
    Axis rows
    Axis columns
    Gate gate
    bint out_of_memory


cdef inline void _claim(
    const Lanes* x,
    const Lanes* y,
    Lanes* rest,
    Lanes* out,
    const Axis* axis,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Let the elements of a row of x that equal their window's maximum take its rest.

    x and out are whole rows, y and rest have one element a window, of which those in
    [first, last) are looked at.
    """
    cdef Py_ssize_t window, k, at
    cdef Lanes zero, top, left
    spread[Lanes](&zero, 0)
    for window in range(first, last):
        top, left = y[window * step], rest[window * step]
        for k in range(axis.kernel):
            at = window * axis.stride - axis.before + k * axis.dilation
            if 0 <= at < axis.size:
                at *= step
                out[at] = where_equal[Lanes](x[at], top, out[at] + left, out[at])
                left = where_equal[Lanes](x[at], top, zero, left)
        rest[window * step] = left


cdef inline void _claim_threes(
    const Lanes* x,
    const Lanes* y,
    Lanes* rest,
    Lanes* out,
    Py_ssize_t step,
    Py_ssize_t stride,
    Py_ssize_t count,
) noexcept nogil:
    """Do as _claim for windows of three elements that all lie in the row.

    The sums of elements that windows share stay in registers. stride is 1 or 2;
    x and out begin at the first element of the first window.
    """
    cdef Py_ssize_t window
    cdef Lanes zero, top, left, one, two, three
    spread[Lanes](&zero, 0)
    one, two = out[0], out[step]
    for window in range(count):
        top, left = y[window * step], rest[window * step]
        if stride == 2:
            two = out[step]
        three = out[2 * step]
        one = where_equal[Lanes](x[0], top, one + left, one)
        left = where_equal[Lanes](x[0], top, zero, left)
        two = where_equal[Lanes](x[step], top, two + left, two)
        left = where_equal[Lanes](x[step], top, zero, left)
        three = where_equal[Lanes](x[2 * step], top, three + left, three)
        rest[window * step] = where_equal[Lanes](x[2 * step], top, zero, left)
        out[0] = one
        if stride == 2:
            out[step] = two
            one = three
        else:
            one, two = two, three
        x += stride * step
        out += stride * step
    out[0] = one
    if stride == 1:
        out[step] = two


cdef inline void _claim_row(
    const Lanes* x,
    const Lanes* y,
    Lanes* rest,
    Lanes* out,
    const Axis* axis,
    Py_ssize_t step,
) noexcept nogil:
    """Do as _claim for all windows."""
    cdef Py_ssize_t first = 0, last = 0, start
    if axis.kernel == 3 and axis.dilation == 1 and axis.stride <= 2:
        first, last = first_whole(axis), last_whole(axis)
    _claim[Lanes](x, y, rest, out, axis, step, 0, first)
    if first < last:
        start = (first * axis.stride - axis.before) * step
        y_first, rest_first = y + first * step, rest + first * step
        if axis.stride == 1:
            _claim_threes[Lanes](x + start, y_first, rest_first, out + start, step, 1, last - first)
        else:
            _claim_threes[Lanes](x + start, y_first, rest_first, out + start, step, 2, last - first)
    _claim[Lanes](x, y, rest, out, axis, step, last, axis.windows)


cdef inline void _max_pool_grad_rows(
    const _MaxPoolGrad* todo,
    const Lanes* x,
    const Lanes* y,
    const Lanes* g,
    Lanes* out,
    Lanes* rest,
    Lanes* elsewhere,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one plane of out.

    rest has room for a row of y. elsewhere takes what belongs to rows of another band.
    """
    cdef const Axis* rows = &todo.rows
    cdef Py_ssize_t length = todo.columns.size * step, windows = todo.columns.windows * step
    cdef Py_ssize_t i, k, row, lane, w, cleared = first, reach
    cdef Lanes low, high
    cdef Lanes* target
    spread[Lanes](&low, todo.gate.low)
    spread[Lanes](&high, todo.gate.high)
    for i in range(first_reaching(rows, first), last_starting(rows, last - 1)):
        # Rows are cleared when they are first needed, and so are in the cache.
        reach = min(last, i * rows.stride - rows.before + (rows.kernel - 1) * rows.dilation + 1)
        if cleared < reach:
            memset(out + cleared * length, 0, (reach - cleared) * length * sizeof(Lanes))
            cleared = reach
        for w in range(windows):
            rest[w] = between[Lanes](g[i * windows + w], y[i * windows + w], low, high)
        for k in range(rows.kernel):
            row = i * rows.stride - rows.before + k * rows.dilation
            if 0 <= row < rows.size:
                target = out + row * length if first <= row < last else elsewhere
                for lane in range(step):
                    _claim_row[Lanes](
                        x + row * length + lane,
                        y + i * windows + lane,
                        rest + lane,
                        target + lane,
                        &todo.columns,
                        step,
                    )
    memset(out + cleared * length, 0, (last - cleared) * length * sizeof(Lanes))


cdef void _max_pool_grad_band(void* job, size_t item) noexcept nogil:
    cdef _MaxPoolGrad* todo = <_MaxPoolGrad*> job
    cdef Part part = part_of(&todo.planes, &todo.bands, item)
    cdef Py_ssize_t block = todo.planes.block
    cdef Py_ssize_t rest = todo.columns.windows * block, elsewhere = todo.columns.size * block
    cdef Py_ssize_t outputs = part.plane * todo.rows.windows * rest
    cdef const float* x = todo.x + part.offset
    cdef const float* y = todo.y + outputs
    cdef const float* g = todo.g + outputs
    cdef float* out = todo.out + part.offset
    cdef Scratch scratch = scratch_of(rest + elsewhere, 0)
    if scratch.floats == NULL:
        todo.out_of_memory = True
    elif block % LANES == 0:
        _max_pool_grad_rows[lanes](
            todo, <const lanes*> x, <const lanes*> y, <const lanes*> g, <lanes*> out,
            <lanes*> scratch.floats, <lanes*> (scratch.floats + rest), block // LANES,
            part.first, part.last,
        )
    else:
        _max_pool_grad_rows[float](
            todo, x, y, g, out, scratch.floats, scratch.floats + rest, block,
            part.first, part.last,
        )
    free(scratch.memory)


cdef OrtStatus* max_pool_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor x = input_tensor(&call, 0)
    cdef Tensor y = input_tensor(&call, 1)
    cdef Tensor g = input_tensor(&call, 2)
    cdef _MaxPoolGrad job
    job.planes = planes_of(&call, &x, attributes.block)
    job.bands = bands_of(&job.planes)
    expect(&call, same_shape(&y, &g), "y and g must have one shape")
    expect_images(&call, &x, &y)
    if call.failure == NULL:
        job.rows = axis_of(&call, &attributes.windows, 0, x.dims[2], y.dims[2])
        job.columns = axis_of(&call, &attributes.windows, 1, x.dims[3], y.dims[3])
    job.x, job.y, job.g, job.gate = x.data, y.data, g.data, attributes.gate
    job.out_of_memory = False
    job.out = output_data(&call, 0, x.dims, x.rank)
    run(&call, _max_pool_grad_band, items_of(&job.planes, &job.bands), &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure
