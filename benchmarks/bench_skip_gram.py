"""Skip-gram with negative sampling, pairs for a second of a processor: ours beside gensim's Word2Vec, if it is there.

Both learn from the same pairs: windows of one word to either side without a drawn reach, so that a text of n words has
2 (n − 1) pairs whoever counts; vectors of 100 numbers, 5 words of noise, one thread. Ours shares 16 words of noise
among the 128 pairs of a block, each weighing 5/16; gensim draws 5 for every pair. Seconds are those of the process and
not of the clock, so that other work on the machine does not count. What is aimed at is 1 M pairs a second on two cores.
"""

import importlib.util
import json
import statistics
import time

import numpy as np
import torch
from harness import RESULTS, record

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.words import Corpus, Words
from likeness.embed.rows import RowAdagrad
from likeness.embed.skip_gram import SkipGram
from likeness.embed.windows import pairs

V, N, D, BATCH, THREADS, ROUNDS = 10_000, 400_000, 100, 16_384, 1, 5


def corpus() -> Corpus:
    """Words of Zipf's law, in sentences of 1 000."""
    p = 1 / np.arange(1, V + 1)
    ids = np.random.default_rng(0).choice(V, N, p=p / p.sum())
    counts = np.maximum(np.bincount(ids, minlength=V), 1)
    return Corpus(Words([f"w{i}" for i in range(V)], counts), ids, np.arange(N) // 1000)


def main() -> None:
    torch.set_num_threads(THREADS)
    text = corpus()
    x = torch.from_numpy(pairs(text, 1))
    method = SkipGram(text.words.counts, D)
    moves = RowAdagrad(method.parameters(), 0.1)

    def ours() -> None:
        for _ in train(method, map(Batch, x.split(BATCH)), moves):
            pass

    work = {"likeness": ours}
    if importlib.util.find_spec("gensim") is not None:
        from gensim.models import Word2Vec

        said = [[text.words.words[i] for i in part] for part in text.ids.reshape(-1, 1000)]
        theirs = Word2Vec(vector_size=D, window=1, sg=1, negative=5, sample=0, min_count=1, workers=THREADS,
                          shrink_windows=False)  # fmt: skip
        theirs.build_vocab(said)
        work["gensim"] = lambda: theirs.train(said, total_examples=len(said), epochs=1)
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(1 + ROUNDS):
        for name in list(work)[:: -1 if turn % 2 else 1]:
            began = time.process_time()
            work[name]()
            if turn:
                times[name].append(time.process_time() - began)
    rates = {name: round(len(x) / statistics.median(t) / 1e6, 3) for name, t in times.items()}
    print(f"M pairs for a second of a processor: {rates}")
    facts = {"million_pairs_a_processor_second": rates}
    if "gensim" in work:
        record("skip_gram", times, reference="gensim", bar=1.0, better="higher", facts=facts)
    else:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "skip_gram.json").write_text(json.dumps({"benchmark": "skip_gram", **facts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
