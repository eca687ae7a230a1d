"""Weighted sums of rows: what the resize and the blur are made of."""


cdef enum:
    # Rows added in one pass: more spill registers, fewer load and store the sum more often.
    _AT_ONCE = 4


cdef inline Py_ssize_t _within(Py_ssize_t index, Py_ssize_t size) noexcept nogil:
    """Return the place in [0, size) that is nearest to index."""
    return 0 if index < 0 else size - 1 if index >= size else index


cdef inline void _sum(
    float* out,
    const float** rows,
    const float* weights,
    Py_ssize_t taps,
    bint more,
    Py_ssize_t count,
) noexcept nogil:
    """Set out to the weighted sum of the rows; more adds to what is there."""
    cdef Py_ssize_t i, k
    cdef float total
    # Copies, which out cannot overlap, let the compiler vectorise over i.
    cdef const float* row[_AT_ONCE]
    cdef float weight[_AT_ONCE]
    for k in range(taps):
        row[k] = rows[k]
        weight[k] = weights[k]
    for i in range(count):
        total = weight[0] * row[0][i]
        for k in range(1, taps):
            total = total + weight[k] * row[k][i]
        out[i] = total + out[i] if more else total


cdef inline void blend_rows(
    float* out,
    const float* rows,
    Py_ssize_t size,
    Py_ssize_t stride,
    Py_ssize_t shift,
    Py_ssize_t start,
    const float* weights,
    Py_ssize_t taps,
    Py_ssize_t count,
) noexcept nogil:
    """Set count values of out to the weighted sum of the rows from start on.

    There are size rows, one every stride values, rolled up by shift, which lies in
    [0, size); before the first and behind the last one they repeat.
    """
    cdef const float* chunk[_AT_ONCE]
    cdef Py_ssize_t k = 0, j, length
    while k < taps:
        length = min(_AT_ONCE, taps - k)
        for j in range(length):
            chunk[j] = rows + (_within(start + k + j, size) + shift) % size * stride
        # A number of rows that the compiler knows is what it can unroll.
        if length == 1:
            _sum(out, chunk, weights + k, 1, k > 0, count)
        elif length == 2:
            _sum(out, chunk, weights + k, 2, k > 0, count)
        elif length == 3:
            _sum(out, chunk, weights + k, 3, k > 0, count)
        else:
            _sum(out, chunk, weights + k, _AT_ONCE, k > 0, count)
        k += length
