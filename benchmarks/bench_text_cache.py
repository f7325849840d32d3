"""What a cache saves where a text of 512 tokens is drawn: steps from a state, against the whole anew for every token.

The bar: at least five times as fast, for the LSTM and for the transformer.
"""

import torch
from harness import record, side_by_side

from likeness.language import LanguageModel
from likeness.nn.lstm import LSTM
from likeness.nn.transformer import Transformer

LENGTH, VOCABULARY, N = 512, 65, 4


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    networks = {"lstm": LSTM(VOCABULARY), "transformer": Transformer(VOCABULARY, LENGTH, width=128, layers=3)}
    for name, network in networks.items():
        model = LanguageModel(network, LENGTH)
        work = {
            "cached": lambda model=model: model.sample(N, generator=0),
            "anew": lambda model=model: model.sample(N, generator=0, cached=False),
        }
        record(f"text_cache_{name}", side_by_side(work, rounds=3, warm=1), reference="anew", bar=5.0, better="higher")


if __name__ == "__main__":
    main()
