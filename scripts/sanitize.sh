#!/bin/sh
# Run the tests of the compiled core, and attack its operators, under AddressSanitizer and
# UndefinedBehaviorSanitizer. Needs gcc. PYTHON names the interpreter, CASES how many calls
# of operators (2000); arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
LDFLAGS="-fsanitize=address,undefined" \
    "$python" setup.py --quiet build --build-base build/sanitized

# Python and ONNX Runtime are not sanitized, and what they never free is not ours.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
ASAN_OPTIONS=detect_leaks=0
PYTHONPATH=$(echo build/sanitized/lib.*)
PYTHONPATH=$PWD/$PYTHONPATH
export LD_PRELOAD ASAN_OPTIONS PYTHONPATH

"$python" -m pytest -p no:cacheprovider --capture=sys tests/kernels tests/operators "$@"
# The variants that this processor can run are attacked: all three where it has AVX-512.
exec "$python" tests/fuzz/run.py --sanitized --target operators --cases "${CASES:-2000}" --minutes 60
