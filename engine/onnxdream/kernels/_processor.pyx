"""What this processor can run."""


cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__)
    #define ONNXDREAM_HAS_AVX2 \\
        (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    #define ONNXDREAM_HAS_AVX512 \\
        (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") \\
         && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    #else
    #define ONNXDREAM_HAS_AVX2 0
    #define ONNXDREAM_HAS_AVX512 0
    #endif
    """
    bint ONNXDREAM_HAS_AVX2
    bint ONNXDREAM_HAS_AVX512


def variants():
    if ONNXDREAM_HAS_AVX2 and ONNXDREAM_HAS_AVX512:
        return ("avx512", "avx2", "baseline")
    if ONNXDREAM_HAS_AVX2:
        return ("avx2", "baseline")
    return ("baseline",)
