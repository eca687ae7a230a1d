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
        return value - (onnxdream_lanes){0};
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

    #if defined(__GNUC__)
    #define onnxdream_prefetch(address) __builtin_prefetch(address, 0, 2)
    #define onnxdream_prefetch_room(address) __builtin_prefetch(address, 1, 2)
    #else
    #define onnxdream_prefetch(address) ((void)0)
    #define onnxdream_prefetch_room(address) ((void)0)
    #endif

    // A bit for each lane, the first the lowest, and clipping: what compilers make of
    // these in terms of vectors is slow.
    #if defined(__AVX512F__)
    #include <immintrin.h>
    static inline unsigned onnxdream_inside(
        onnxdream_lanes x, onnxdream_lanes low, onnxdream_lanes high
    ) {
        __mmask16 above = _mm512_cmp_ps_mask((__m512)x, (__m512)low, _CMP_GT_OQ);
        return _mm512_mask_cmp_ps_mask(above, (__m512)x, (__m512)high, _CMP_LT_OQ);
    }
    static inline onnxdream_lanes onnxdream_keep(onnxdream_lanes value, unsigned bits) {
        return (onnxdream_lanes)_mm512_maskz_mov_ps((__mmask16)bits, (__m512)value);
    }
    static inline onnxdream_lanes onnxdream_clip(
        onnxdream_lanes x, onnxdream_lanes low, onnxdream_lanes high
    ) {
        // Of two operands, these return the second where one is not a number.
        __m512 raised = _mm512_max_ps((__m512)low, (__m512)x);
        return (onnxdream_lanes)_mm512_min_ps((__m512)high, raised);
    }
    #else
    #if defined(__AVX__)
    #include <immintrin.h>
    #define onnxdream_bits(mask) ((unsigned)_mm256_movemask_ps((__m256)(mask)))
    #elif defined(__GNUC__)
    static inline unsigned onnxdream_bits(onnxdream_mask mask) {
        unsigned bits = 0;
        for (int lane = 0; lane < ONNXDREAM_LANES; lane++) bits |= (mask[lane] & 1u) << lane;
        return bits;
    }
    #else
    #define onnxdream_bits(mask) ((unsigned)(mask))
    #endif
    static const int onnxdream_lane_bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    static inline unsigned onnxdream_inside(
        onnxdream_lanes x, onnxdream_lanes low, onnxdream_lanes high
    ) {
        return onnxdream_bits((x > low) & (x < high));
    }
    static inline onnxdream_lanes onnxdream_keep(onnxdream_lanes value, unsigned bits) {
        onnxdream_mask each = *(const onnxdream_mask*)onnxdream_lane_bits;
        return onnxdream_pick(((int)bits & each) == each, value, onnxdream_spread(0));
    }
    static inline onnxdream_lanes onnxdream_clip(
        onnxdream_lanes x, onnxdream_lanes low, onnxdream_lanes high
    ) {
        x = onnxdream_pick(x < low, low, x);
        return onnxdream_pick(x > high, high, x);
    }
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
    # Have the processor fetch memory that will soon be read, or written.
    void prefetch "onnxdream_prefetch"(const void*) nogil
    void prefetch_room "onnxdream_prefetch_room"(const void*) nogil
    lanes onnxdream_spread(float) nogil
    lanes onnxdream_between(lanes, lanes, lanes, lanes) nogil
    lanes onnxdream_equal(lanes, lanes, lanes, lanes) nogil
    lanes onnxdream_clip(lanes, lanes, lanes) nogil
    unsigned onnxdream_inside(lanes, lanes, lanes) nogil
    lanes onnxdream_keep(lanes, unsigned) nogil


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


cdef inline Lanes clip(Lanes x, Lanes low, Lanes high) noexcept nogil:
    """Return x, or the bound that it is beyond; what is not a number stays so."""
    if Lanes is float:
        return low if x < low else high if x > high else x
    else:
        return onnxdream_clip(x, low, high)


cdef inline unsigned inside(Lanes x, Lanes low, Lanes high) noexcept nogil:
    """Return a bit for each lane, the first the lowest: whether low < x < high."""
    if Lanes is float:
        return low < x and x < high
    else:
        return onnxdream_inside(x, low, high)


cdef inline Lanes keep(Lanes value, unsigned bits) noexcept nogil:
    """Return value in the lanes whose bit is set, else 0."""
    if Lanes is float:
        return value if bits & 1 else 0
    else:
        return onnxdream_keep(value, bits)
