"""A recurrent network of tokens: logits of the next token after each, from a state of fixed size.

    i, f, o = σ(W x + U h + b),   g = tanh(W′ x + U′ h + b′)
    c ← f ⊙ c + i ⊙ g,   h ← o ⊙ tanh(c)                                              (1)

The bias of the forget gate f begins at one, so that gradients reach far back from the first step. Tokens are
0 … v − 1; v stands for the beginning, and is never predicted. `step` goes on from a state and gives what `forward`
gives of the whole.

Felix A. Gers, Jürgen Schmidhuber, Fred Cummins. Learning to Forget: Continual Prediction with LSTM. 2000.
https://doi.org/10.1162/089976600300015015
Rafal Jozefowicz, Wojciech Zaremba, Ilya Sutskever. An Empirical Exploration of Recurrent Network Architectures. 2015.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.nn.dropout import Dropout

LSTMState = list[tuple[Tensor, Tensor]]  # h and c of each layer, (1, n, width)


class LSTM(nn.Module):
    """Tokens (n, t) to logits (n, t, v) of what follows each."""

    def __init__(
        self, vocabulary: int, *, width: int = 192, layers: int = 1, dropout: float = 0.3, forget: float = 1.0
    ) -> None:
        super().__init__()
        self.vocabulary, self.width = vocabulary, width
        self.embedding = nn.Embedding(vocabulary + 1, width)
        self.layers = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(layers))
        self.dropout, self.head = Dropout(dropout), nn.Linear(width, vocabulary)
        with torch.no_grad():
            for bias in (dict(layer.named_parameters()) for layer in self.layers):
                bias["bias_hh_l0"].zero_()
                bias["bias_ih_l0"][width : 2 * width] = forget

    def start(self, n: int, length: int) -> LSTMState:
        """The state before the first token; any length can follow."""
        zero = self.head.weight.new_zeros(1, n, self.width)
        return [(zero, zero) for _ in self.layers]

    def forward(self, tokens: Int[Tensor, "n t"]) -> Float[Tensor, "n t v"]:
        return self._run(tokens, self.start(len(tokens), tokens.shape[1]))[0]

    def step(self, token: Int[Tensor, " n"], state: LSTMState) -> tuple[Float[Tensor, "n v"], LSTMState]:
        """Logits of what follows one more token, and the state then."""
        logits, state = self._run(token[:, None], state)
        return logits[:, 0], state

    def _run(self, tokens: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        x, new = self.dropout(self.embedding(tokens)), []
        for layer, before in zip(self.layers, state, strict=True):
            x, after = layer(x, before)  # (1)
            x = self.dropout(x)
            new.append(after)
        return self.head(x), new
