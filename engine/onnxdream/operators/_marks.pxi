# Marks: a bit for each element of a blocked tensor, whether a gradient passes there.
#
# They lie in memory as [N][C / block][H][W][bytes], with as many bytes as a block has
# bits, and are declared as uint8 [N, C / block * bytes, H, W].

cdef inline Py_ssize_t mark_bytes(Py_ssize_t block) noexcept nogil:
    """Return how many bytes the marks of one pixel of a block take."""
    return (block + 7) // 8


cdef inline void mark(
    uint8_t* marks, Py_ssize_t lane, Lanes x, Lanes low, Lanes high
) noexcept nogil:
    """Mark those channels of a pixel where low < x < high; they are zero before.

    x is one of the vectors that a pixel has in a block, lane says which.
    """
    if Lanes is float:
        marks[lane // 8] |= inside[Lanes](x, low, high) << (lane % 8)
    elif LANES == 16:
        (<uint16_t*> marks)[lane] = inside[Lanes](x, low, high)
    elif LANES == 8:
        marks[lane] = inside[Lanes](x, low, high)
    else:
        marks[lane * LANES // 8] |= inside[Lanes](x, low, high) << (lane * LANES % 8)


cdef inline Lanes marked(const uint8_t* marks, Py_ssize_t lane, Lanes value) noexcept nogil:
    """Return value in the channels that are marked, else 0."""
    if Lanes is float:
        return keep[Lanes](value, marks[lane // 8] >> (lane % 8))
    elif LANES == 16:
        return keep[Lanes](value, (<const uint16_t*> marks)[lane])
    elif LANES == 8:
        return keep[Lanes](value, marks[lane])
    else:
        return keep[Lanes](value, marks[lane * LANES // 8] >> (lane * LANES % 8))
