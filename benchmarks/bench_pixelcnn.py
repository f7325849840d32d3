"""Drawing 28×28 pixels one by one: features computed once, against the whole network again at every pixel.

The same network, the same uniform numbers and the same draws of both, eight at a time; one thread. The bar: at least
5 times as fast.
"""

import torch
from harness import record, side_by_side
from torch import Tensor

from likeness.density.logistics import Logistics
from likeness.density.pixelcnn import PixelCNN
from likeness.nn.pixelcnn import GatedPixelCNN
from likeness.sampling import Streams

EVENT, N = (1, 28, 28), 8


def by_recomputing(model: PixelCNN) -> Tensor:
    u = Streams(0).uniform(N, model.conditional.uniforms, *EVENT[1:])
    x = torch.zeros(N, *EVENT)
    with torch.no_grad():
        for i in range(EVENT[1]):
            for j in range(EVENT[2]):
                x[:, :, i, j] = model.conditional.drawn(model.net(x)[:, :, i, j], u[:, :, i, j])
    return x


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pixel = Logistics()
    model = PixelCNN(GatedPixelCNN(1, pixel.outputs, filters=16, layers=5), pixel, EVENT).eval()
    assert torch.allclose(model.sample(N, generator=0), by_recomputing(model), atol=1e-5)
    work = {
        "likeness.density.pixelcnn": lambda: model.sample(N, generator=0),
        "recomputing": lambda: by_recomputing(model),
    }
    times = side_by_side(work, rounds=3, warm=1)
    record("pixelcnn", times, reference="recomputing", bar=5, better="higher", facts={"draws": N})


if __name__ == "__main__":
    main()
