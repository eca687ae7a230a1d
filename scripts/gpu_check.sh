#!/usr/bin/env bash
# Run all GPU tests and the benchmarks on a machine with an NVIDIA GPU and no network,
# in under nine minutes.
#
#     scripts/gpu_check.sh OUT [WHEEL]
#
# OUT    a folder: it gets gpu.json, with every result, and gpu.log, with everything said
# WHEEL  an onnxruntime-gpu wheel (about 256 MB), or a folder with one, whole or as the
#        pieces NAME.whl.*.part that are joined in the order of their names; not needed
#        where onnxruntime-gpu is installed
#
# It also needs, where PYTHON (python3) finds them: numpy, pillow, onnx, msgspec, tqdm, pytest
# and hypothesis; setuptools and Cython with a C compiler, without which the NumPy twin of the
# kernels serves; PyTorch for CUDA 13, whose NVIDIA libraries serve ONNX Runtime, too, and
# against which the benchmark compares. ONNXDREAM_TEST_NETWORKS may name a folder of
# further networks. What is missing is said. Nothing is installed but in a temporary folder.
set -uo pipefail

[[ $# -ge 1 && $# -le 2 ]] || { sed -n '2,/^set/s/^#\( \|$\)//p' "$0"; exit 2; }
cd "$(dirname "$0")/.." || exit
here=$PWD
python=${PYTHON:-python3}
mkdir -p "$1" || exit
out=$(cd "$1" && pwd)
wheel=${2:+$(realpath "$2")}
deadline=$((SECONDS + 520))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec > >(tee "$out/gpu.log") 2>&1

title() { printf '\n=== %s (%d s)\n' "$1" "$SECONDS"; }
fail() {
    printf '\ngpu_check: %s\n' "$1"
    exit 1
}
# For at most so many seconds, and not beyond the deadline.
within() {
    local left=$((deadline - SECONDS)) limit=$1
    shift
    timeout --kill-after=5 $((left < limit ? (left > 1 ? left : 1) : limit)) "$@"
}

title "the GPU"
nvidia-smi || fail "There is no NVIDIA GPU here, or no driver for it: nvidia-smi does not work."

title "the packages"
for package in numpy PIL onnx msgspec tqdm pytest hypothesis; do
    "$python" -c "import $package" || fail "$python has no package $package: install it, or set PYTHON."
done
export PYTHONPATH=$work/site PIP_DISABLE_PIP_VERSION_CHECK=1
install=("$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$work/site")
if [[ -d $wheel ]]; then
    pieces=("$wheel"/*.part)
    if [[ -e ${pieces[0]} ]]; then
        name=$(basename "${pieces[0]}")
        cat "${pieces[@]}" > "$work/${name%%.whl*}.whl"
        wheel=$work/${name%%.whl*}.whl
    else
        wheel=$(ls "$wheel"/*.whl 2> /dev/null) || fail "There is no wheel and no piece of one in $wheel."
    fi
fi
if [[ -n $wheel ]]; then
    "${install[@]}" "$wheel" || fail "$wheel cannot be installed for $("$python" --version)."
fi
# Without pyproject.toml any setuptools will do.
mkdir -p "$work/source" "$work/site"
cp -r engine setup.py "$work/source"
find "$work/source" -name '*.so' -delete
(cd "$work/source" && "$python" setup.py --quiet build_ext --inplace) ||
    echo "The kernels cannot be compiled here: their NumPy twin serves."
mv "$work/source/engine/onnxdream" "$work/site" && cp -r models "$work/site/onnxdream/models"
libraries=$("$python" - << 'EOF'
import importlib.util
from pathlib import Path

found = importlib.util.find_spec("nvidia")
for place in (found.submodule_search_locations or []) if found else []:
    print(*sorted({str(path.parent) for path in Path(place).glob("*/lib/*.so*")}), sep=":", end=":")
EOF
)
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:-}
cd "$work" || exit

title "what runs where"
"$python" -m onnxdream doctor --network squeezenet --provider cuda | tee "$work/doctor.txt"
[[ ${PIPESTATUS[0]} == 0 ]] || fail "onnxdream cannot use the GPU. CUDA 13 libraries are needed,
as PyTorch for CUDA 13 brings them: $libraries"
grep -q "all .* nodes run there" "$work/doctor.txt" || echo "Some nodes of the step do not run on the GPU."

title "the tests"
within 230 "$python" -m pytest "$here/tests/gpu" -c "$here/pyproject.toml" --rootdir "$here" \
    -p no:cacheprovider -m gpu -q -rfEs --tb=short --junit-xml "$work/tests.xml"
tests=$?

title "onnxdream bench"
bench=("$python" -m onnxdream bench --provider cuda --quick --sizes "512,1024")
within 130 "${bench[@]}" --precision fp32,tf32,fp16 --json "$work/bench.json"
within 45 "${bench[@]}" --cuda-graphs off --json "$work/bench_without_graphs.json"

title "against PyTorch"
if "$python" -c "import torch, sys; sys.exit(not torch.cuda.is_available())"; then
    minutes=$("$python" -c "print(max(0, $deadline - $SECONDS - 45) / 60)")
    PYTHONPATH=$PYTHONPATH:$here/benchmarks within 400 "$python" "$here/benchmarks/against_torch_gpu.py" \
        --minutes "$minutes" --json "$work/against_torch.json"
else
    echo "There is no PyTorch that sees the GPU: nothing to compare with."
fi

title "the result"
"$python" - "$work" "$out/gpu.json" << 'EOF'
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

work, target = map(Path, sys.argv[1:])
result = {"doctor": (work / "doctor.txt").read_text(), "tests": None}
if (work / "tests.xml").exists():
    suite = ElementTree.parse(work / "tests.xml").getroot().find("testsuite")
    counts = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in suite.iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    ]
    result["tests"] = counts | {"seconds": float(suite.get("time")), "failed": failed}
for part in ("bench", "bench_without_graphs", "against_torch"):
    path = work / f"{part}.json"
    result[part] = json.loads(path.read_text()) if path.exists() else None
target.write_text(json.dumps(result, indent=1) + "\n")
print("tests:", result["tests"])
print("not done:", *(part for part, found in result.items() if not found))
EOF
title "$out/gpu.json and $out/gpu.log are written"
exit "$tests"
