"""Vectors of float32, as wide as the processor that a module is compiled for.

`lanes` holds LANES floats; on a compiler without vector types it is one float. Loops
are written over the fused type `Lanes`: as `lanes` they serve blocks of channels that
are a multiple of LANES, as `float` all others.
"""


cdef extern from *:
    """
    #if defined(__AVX512F__)
    #define ONNXDREAM_LANES 16
    #elif defined(__AVX__)
    #define ONNXDREAM_LANES 8
    #elif defined(__GNUC__)
    #define ONNXDREAM_LANES 4
    #else
    #define ONNXDREAM_LANES 1
    #endif

    #if defined(__GNUC__)
    #define ONNXDREAM_VECTOR(type) \\
        type __attribute__((vector_size(4 * ONNXDREAM_LANES), aligned(4), may_alias))
    typedef ONNXDREAM_VECTOR(float) onnxdream_lanes;
    typedef ONNXDREAM_VECTOR(int) onnxdream_mask;

    static inline onnxdream_lanes onnxdream_spread(float value) {
        onnxdream_lanes spread;
        for (int lane = 0; lane < ONNXDREAM_LANES; lane++) spread[lane] = value;
        return spread;
    }
    static inline onnxdream_lanes onnxdream_pick(
        onnxdream_mask mask, onnxdream_lanes yes, onnxdream_lanes no
    ) {
        return (onnxdream_lanes)(((onnxdream_mask)yes & mask) | ((onnxdream_mask)no & ~mask));
    }
    #else
    typedef float onnxdream_lanes;
    typedef int onnxdream_mask;
    #define onnxdream_spread(value) (value)
    #define onnxdream_pick(mask, yes, no) ((mask) ? (yes) : (no))
    #endif

    static inline onnxdream_lanes onnxdream_between(
        onnxdream_lanes value, onnxdream_lanes x, onnxdream_lanes low, onnxdream_lanes high
    ) {
        return onnxdream_pick((x > low) & (x < high), value, onnxdream_spread(0));
    }
    static inline onnxdream_lanes onnxdream_equal(
        onnxdream_lanes a, onnxdream_lanes b, onnxdream_lanes yes, onnxdream_lanes no
    ) {
        return onnxdream_pick(a == b, yes, no);
    }
    """
    # Cython needs to know only that it can be added and multiplied; as another kind of
    # float it would take it for float.
    ctypedef double lanes "onnxdream_lanes"
    enum:
        LANES "ONNXDREAM_LANES"
    lanes onnxdream_spread(float) nogil
    lanes onnxdream_between(lanes, lanes, lanes, lanes) nogil
    lanes onnxdream_equal(lanes, lanes, lanes, lanes) nogil


ctypedef fused Lanes:
    float
    lanes


cdef inline void spread(Lanes* all, float value) noexcept nogil:
    """Set every lane to a value."""
    if Lanes is float:
        all[0] = value
    else:
        all[0] = onnxdream_spread(value)


cdef inline Lanes between(Lanes value, Lanes x, Lanes low, Lanes high) noexcept nogil:
    """Return value where low < x < high, else 0."""
    if Lanes is float:
        return value if low < x and x < high else 0
    else:
        return onnxdream_between(value, x, low, high)


cdef inline Lanes where_equal(Lanes a, Lanes b, Lanes yes, Lanes no) noexcept nogil:
    """Return yes where a == b, else no."""
    if Lanes is float:
        return yes if a == b else no
    else:
        return onnxdream_equal(a, b, yes, no)
