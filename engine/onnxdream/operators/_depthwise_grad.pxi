# DepthwiseGrad: the gradient of a depthwise convolution with respect to its input.
#
# Element h of the input was read by window i through tap k where h = i * stride -
# before + k. So the elements of one phase of the stride, those with the same
# (h + before) % stride, were all read through every stride-th tap, the first of which
# is that remainder; and for them the gradient is a plain correlation with these taps.

cdef struct Turned:
    # A depthwise convolution, seen from its gradient.
    Axis rows
    Axis columns
    # Zeros before and behind a row of g, in pixels, so that taps always find something.
    int64_t zeros_before
    int64_t padded


cdef struct _DepthwiseGrad:
    const float* g
    const float* y
    const float* weights
    const float* x
    float* out
    Planes planes
    Bands bands
    Turned turned
    # Of channels.
    int64_t blocks
    Gate inner_gate
    Gate gate
    bint out_of_memory


cdef Turned turned_of(
    Call* call, const Windows* windows, const int64_t* x, const int64_t* g
) noexcept nogil:
    """Return the geometry of a gradient with respect to x, given the dimensions of x and g."""
    cdef Turned turned
    cdef int64_t reach
    turned.rows = axis_of(call, windows, 0, x[2], g[2])
    turned.columns = axis_of(call, windows, 1, x[3], g[3])
    reach = _ceil_div(turned.columns.before - turned.columns.kernel + 1, turned.columns.stride)
    turned.zeros_before = max(0, -reach)
    reach = (turned.columns.size - 1 + turned.columns.before) // turned.columns.stride
    turned.padded = turned.zeros_before + max(reach + 1, turned.columns.windows)
    return turned


cdef inline Py_ssize_t phase_taps(const Axis* axis, Py_ssize_t phase) noexcept nogil:
    """Return how many taps a phase has."""
    return max(0, _ceil_div(axis.kernel - phase, axis.stride))


cdef inline void _correlate(
    const Lanes** rows,
    const Lanes* weights,
    Py_ssize_t lines,
    Py_ssize_t taps,
    Lanes* out,
    Py_ssize_t step,
    Py_ssize_t stride,
    Py_ssize_t count,
) noexcept nogil:
    """Set every stride-th pixel of out to the sum over taps of weights times rows.

    Pixel i of the sum takes pixel i - tap of each row.
    """
    cdef Py_ssize_t pixel = 0, line, tap, hop = stride * step
    cdef const Lanes* row
    cdef Lanes zero, weight, a, b, c, d
    spread[Lanes](&zero, 0)
    # Four sums side by side share their weights and keep the multipliers busy.
    while pixel + 4 <= count:
        a = b = c = d = zero
        for line in range(lines):
            row = rows[line] + pixel * step
            for tap in range(taps):
                weight = weights[line * taps + tap]
                a = a + weight * row[-tap * step]
                b = b + weight * row[(1 - tap) * step]
                c = c + weight * row[(2 - tap) * step]
                d = d + weight * row[(3 - tap) * step]
        out[0] = a
        out[hop] = b
        out[2 * hop] = c
        out[3 * hop] = d
        out += 4 * hop
        pixel += 4
    while pixel < count:
        a = zero
        for line in range(lines):
            row = rows[line] + pixel * step
            for tap in range(taps):
                a = a + weights[line * taps + tap] * row[-tap * step]
        out[0] = a
        out += hop
        pixel += 1


cdef inline void _correlate_unrolled(
    const Lanes** rows,
    const Lanes* weights,
    Py_ssize_t lines,
    Py_ssize_t taps,
    Lanes* out,
    Py_ssize_t step,
    Py_ssize_t stride,
    Py_ssize_t count,
) noexcept nogil:
    """Do as _correlate, faster for the numbers of taps that networks have."""
    if step > 1:
        _correlate[Lanes](rows, weights, lines, taps, out, step, stride, count)
    elif taps == 1:
        _correlate[Lanes](rows, weights, lines, 1, out, 1, stride, count)
    elif taps == 2:
        _correlate[Lanes](rows, weights, lines, 2, out, 1, stride, count)
    elif taps == 3:
        _correlate[Lanes](rows, weights, lines, 3, out, 1, stride, count)
    elif taps == 5:
        _correlate[Lanes](rows, weights, lines, 5, out, 1, stride, count)
    else:
        _correlate[Lanes](rows, weights, lines, taps, out, 1, stride, count)


cdef inline void sort_weights(
    const Lanes* weights, Lanes* sorted, const Axis* rows, const Axis* columns, Py_ssize_t step
) noexcept nogil:
    """Bring weights [rows][columns][step] into the order [step][phase][phase][line][tap]."""
    cdef Py_ssize_t lane, row_phase, column_phase, line, tap, row, column
    for lane in range(step):
        for row_phase in range(rows.stride):
            for column_phase in range(columns.stride):
                for line in range(phase_taps(rows, row_phase)):
                    row = row_phase + line * rows.stride
                    for tap in range(phase_taps(columns, column_phase)):
                        column = column_phase + tap * columns.stride
                        sorted[0] = weights[(row * columns.kernel + column) * step + lane]
                        sorted += 1


cdef inline void turned_row(
    const Turned* turned,
    const Lanes* sorted,
    const Lanes* zeros,
    const Lanes* gated,
    const Lanes** lines,
    Lanes* out,
    Py_ssize_t step,
    Py_ssize_t row,
) noexcept nogil:
    """Fill a row of one plane of the gradient.

    Row i of g is number i % phase_taps(rows, 0) of those in gated; zeros is one more
    such row. The weights are sorted. lines has room for a pointer to each row.
    """
    cdef const Axis* rows = &turned.rows
    cdef const Axis* columns = &turned.columns
    cdef Py_ssize_t ring = phase_taps(rows, 0), padded = turned.padded * step
    cdef Py_ssize_t window = (row + rows.before) // rows.stride
    cdef Py_ssize_t phase = (row + rows.before) % rows.stride
    cdef Py_ssize_t count = phase_taps(rows, phase)
    cdef Py_ssize_t line, taps, column, lane, i, shift
    cdef const Lanes* weight
    for lane in range(step):
        # Here the weights of this lane and phase begin.
        weight = sorted + lane * rows.kernel * columns.kernel
        for i in range(phase):
            weight += phase_taps(rows, i) * columns.kernel
        for i in range(columns.stride):
            taps = phase_taps(columns, i)
            # The first column of the phase, and the window that reads it with tap 0.
            column = (i + columns.stride - columns.before % columns.stride) % columns.stride
            shift = turned.zeros_before + (column + columns.before) // columns.stride
            for line in range(count):
                if 0 <= window - line < rows.windows:
                    lines[line] = gated + (window - line) % ring * padded
                else:
                    lines[line] = zeros
                lines[line] += shift * step + lane
            if column < columns.size:
                _correlate_unrolled[Lanes](
                    lines,
                    weight,
                    count,
                    taps,
                    out + column * step + lane,
                    step,
                    columns.stride,
                    _ceil_div(columns.size - column, columns.stride),
                )
            weight += count * taps


cdef inline void _gate(
    const Lanes* g, const Lanes* y, Lanes* out, Py_ssize_t count, Gate gate
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Lanes low, high
    spread[Lanes](&low, gate.low)
    spread[Lanes](&high, gate.high)
    for i in range(count):
        out[i] = between[Lanes](g[i], y[i], low, high)


cdef inline void _depthwise_grad_rows(
    const _DepthwiseGrad* todo,
    const Lanes* g,
    const Lanes* y,
    const Lanes* weights,
    const Lanes* x,
    Lanes* out,
    Lanes* scratch,
    const Lanes** lines,
    Py_ssize_t step,
    Py_ssize_t first,
    Py_ssize_t last,
) noexcept nogil:
    """Fill the rows [first, last) of one plane of out.

    scratch is zero and has room for the weights, a row of out, a row of zeros, and as
    many rows of gated g as a row of out needs: g passes through them once. lines has
    room for a pointer to each.
    """
    cdef const Turned* turned = &todo.turned
    cdef const Axis* rows = &turned.rows
    cdef const Axis* columns = &turned.columns
    cdef Py_ssize_t ring = phase_taps(rows, 0), width = columns.size * step
    cdef Py_ssize_t length = columns.windows * step, padded = turned.padded * step
    cdef Py_ssize_t row, made = first_reaching(rows, first)
    cdef Lanes* sums = scratch + rows.kernel * columns.kernel * step
    cdef Lanes* zeros = sums + width
    cdef Lanes* gated = zeros + padded
    sort_weights[Lanes](weights, scratch, rows, columns, step)
    for row in range(first, last):
        while made < last_starting(rows, row):
            _gate[Lanes](
                g + made * length, y + made * length,
                gated + made % ring * padded + turned.zeros_before * step, length, todo.inner_gate,
            )
            made += 1
        turned_row[Lanes](turned, scratch, zeros, gated, lines, sums, step, row)
        _gate[Lanes](sums, x + row * width, out + row * width, width, todo.gate)


cdef void _depthwise_grad_band(void* job, size_t item) noexcept nogil:
    cdef _DepthwiseGrad* todo = <_DepthwiseGrad*> job
    cdef Part part = part_of(&todo.planes, &todo.bands, item)
    cdef const Axis* rows = &todo.turned.rows
    cdef const Axis* columns = &todo.turned.columns
    cdef Py_ssize_t block = todo.planes.block
    cdef Py_ssize_t taps = rows.kernel * columns.kernel * block
    cdef Py_ssize_t ring = phase_taps(rows, 0)
    cdef Py_ssize_t row = columns.windows * block
    cdef const float* g = todo.g + part.plane * rows.windows * row
    cdef const float* y = todo.y + part.plane * rows.windows * row
    cdef const float* weights = todo.weights + part.plane % todo.blocks * taps
    cdef const float* x = todo.x + part.offset
    cdef float* out = todo.out + part.offset
    cdef Scratch scratch = scratch_of(
        taps + (columns.size + (ring + 1) * todo.turned.padded) * block, ring
    )
    if scratch.floats == NULL:
        todo.out_of_memory = True
    elif block % LANES == 0:
        _depthwise_grad_rows[lanes](
            todo, <const lanes*> g, <const lanes*> y, <const lanes*> weights, <const lanes*> x,
            <lanes*> out, <lanes*> scratch.floats, <const lanes**> scratch.pointers,
            block // LANES, part.first, part.last,
        )
    else:
        _depthwise_grad_rows[float](
            todo, g, y, weights, x, out, scratch.floats, <const float**> scratch.pointers,
            block, part.first, part.last,
        )
    free(scratch.memory)


cdef OrtStatus* depthwise_grad(void* kernel, OrtKernelContext* context) noexcept nogil:
    cdef const Attributes* attributes = <const Attributes*> kernel
    cdef Call call = begin(attributes, context)
    cdef Tensor g = input_tensor(&call, 0)
    cdef Tensor y = input_tensor(&call, 1)
    cdef Tensor weights = input_tensor(&call, 2)
    cdef Tensor x = input_tensor(&call, 3)
    cdef const Windows* windows = &attributes.windows
    cdef _DepthwiseGrad job
    job.planes = planes_of(&call, &x, attributes.block)
    job.bands = bands_of(&job.planes)
    expect(&call, same_shape(&g, &y), "g and y must have one shape")
    expect_images(&call, &x, &g)
    expect(
        &call,
        weights.rank == 4 and weights.dims[0] == x.dims[1] and weights.dims[1] == 1
        and weights.dims[2] == windows.kernel[0] and weights.dims[3] == windows.kernel[1],
        "w must have the dimensions [C, 1, *kernel_shape]",
    )
    expect_no_dilation(&call, windows)
    if call.failure == NULL:
        job.turned = turned_of(&call, windows, x.dims, g.dims)
        job.blocks = x.dims[1] // attributes.block
    job.g, job.y, job.weights, job.x = g.data, y.data, weights.data, x.data
    job.inner_gate, job.gate = attributes.inner_gate, attributes.gate
    job.out_of_memory = False
    job.out = output_data(&call, 0, x.dims, x.rank)
    run(&call, _depthwise_grad_band, items_of(&job.planes, &job.bands), &job)
    expect_memory(&call, not job.out_of_memory)
    return call.failure
