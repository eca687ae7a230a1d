#!/bin/sh
# Run the tests of the compiled core under AddressSanitizer and UndefinedBehaviorSanitizer.
# Needs gcc. PYTHON names the interpreter; arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
LDFLAGS="-fsanitize=address,undefined" \
    "$python" setup.py --quiet build --build-base build/sanitized

# Python and ONNX Runtime are not sanitized, and what they never free is not ours.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
ASAN_OPTIONS=detect_leaks=0 \
PYTHONPATH=$(echo build/sanitized/lib.*) \
    exec "$python" -m pytest -p no:cacheprovider --capture=sys tests/kernels tests/operators "$@"
