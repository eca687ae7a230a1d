#!/bin/sh
# Run the compiled operators on many threads under ThreadSanitizer. Needs gcc and setarch.
# PYTHON names the interpreter; arguments go to tests/fuzz/threads.py.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

CFLAGS="-fsanitize=thread -fno-omit-frame-pointer" LDFLAGS="-fsanitize=thread" \
    "$python" setup.py --quiet build --build-base build/threads
front=$PWD/build/threads/parallel_for.so
gcc -O1 -Wall -Wextra -Werror -fPIC -shared -fsanitize=thread tests/fuzz/parallel_for.c -o $front -ldl

# ThreadSanitizer wants a process's memory where it is without randomized addresses.
PYTHONPATH=$PWD/$(echo build/threads/lib.*) \
LD_PRELOAD=$(gcc -print-file-name=libtsan.so) \
TSAN_OPTIONS="ignore_noninstrumented_modules=1 report_signal_unsafe=0" \
    exec setarch -R "$python" tests/fuzz/threads.py --front $front "$@"
