"""What a batch costs: `batches` over images in memory against a `DataLoader` with its default collation.

Both shuffle, both hand out float32 images with labels. Ours holds bytes and converts them; the loader's set holds
floats already, which spares it the conversion. The bar: at least 5 times as fast.
"""

import torch
from harness import record, side_by_side
from torch.utils.data import DataLoader, TensorDataset

from likeness.data import InMemory, batches
from likeness.data.memory import from_uint8

BATCH, EACH = 128, 20


def main() -> None:
    torch.set_num_threads(1)
    x, y = torch.randint(256, (20_000, 1, 28, 28), dtype=torch.uint8), torch.randint(10, (20_000,))
    ours = batches(InMemory(x, y), BATCH)
    loader = DataLoader(TensorDataset(from_uint8(x), y), BATCH, shuffle=True, drop_last=True)
    theirs = (batch for _ in iter(int, 1) for batch in loader)
    times = side_by_side(
        {
            "likeness.batches": lambda: [next(ours) for _ in range(EACH)],
            "DataLoader": lambda: [next(theirs) for _ in range(EACH)],
        },
        rounds=60,
    )
    record("batching", times, reference="DataLoader", bar=5, better="higher")


if __name__ == "__main__":
    main()
