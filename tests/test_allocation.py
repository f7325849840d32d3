"""What is freed is used again: large blocks that come and go cost no new pages."""

import subprocess
import sys

import pytest

CODE = """
import resource, torch
from likeness.allocation import keep_freed
{keep}
torch.set_num_threads(1)
for _ in range(10):
    torch.ones(12_000_000).add_(1)  # 48 MB
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(12_000_000).add_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is not glibc")
def test_large_blocks_come_and_go_without_new_pages() -> None:
    faults = []
    for keep in ("", "keep_freed()"):
        done = subprocess.run(
            [sys.executable, "-c", CODE.format(keep=keep)], capture_output=True, text=True, check=True
        )
        faults.append(int(done.stdout))
    assert faults[1] < 100
    assert faults[0] > 10 * max(1, faults[1])
