"""Skip-gram with negative sampling, pairs for a second of a processor: ours beside gensim's Word2Vec, if it is there.

Both learn from the same pairs: windows of one word to either side without a drawn reach, so that a text of n words has
2 (n − 1) pairs whoever counts; vectors of 100 numbers, 5 words of noise, one thread. Ours shares 16 words of noise
among the 128 pairs of a block, each weighing 5/16; gensim draws 5 for every pair. Seconds are those of the process and
not of the clock, so that other work on the machine does not count. Then both on two cores, by the clock: what is aimed
at is 1 M pairs a second, and what is reached .92. A quarter of our time goes to the products with the noise, a fifth to
those of the pairs and their slopes, a third to rows that are looked up and given back: each is a pass over the memory
of the whole batch, where gensim's C has the two vectors of a pair in the registers for all of them.
"""

import importlib.util
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from harness import RESULTS, record

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.words import Corpus, Words
from likeness.embed.rows import RowAdagrad
from likeness.embed.skip_gram import SkipGram
from likeness.embed.windows import pairs

V, N, D, BATCH, ROUNDS = 10_000, 400_000, 100, 16_384, 5


def corpus() -> Corpus:
    """Words of Zipf's law, in sentences of 1 000."""
    p = 1 / np.arange(1, V + 1)
    ids = np.random.default_rng(0).choice(V, N, p=p / p.sum())
    counts = np.maximum(np.bincount(ids, minlength=V), 1)
    return Corpus(Words([f"w{i}" for i in range(V)], counts), ids, np.arange(N) // 1000)


def works(threads: int) -> tuple[int, dict[str, Callable[[], object]]]:
    """How many pairs there are, and what goes through them once, with so many threads."""
    torch.set_num_threads(threads)
    text = corpus()
    x = torch.from_numpy(pairs(text, 1))
    method = SkipGram(text.words.counts, D)
    moves = RowAdagrad(method.parameters(), 0.1)

    def ours() -> None:
        for _ in train(method, map(Batch, x.split(BATCH)), moves):
            pass

    work: dict[str, Callable[[], object]] = {"likeness": ours}
    if importlib.util.find_spec("gensim") is not None:
        from gensim.models import Word2Vec

        said = [[text.words.words[i] for i in part] for part in text.ids.reshape(-1, 1000)]
        theirs = Word2Vec(vector_size=D, window=1, sg=1, negative=5, sample=0, min_count=1, workers=threads,
                          shrink_windows=False)  # fmt: skip
        theirs.build_vocab(said)
        work["gensim"] = lambda: theirs.train(said, total_examples=len(said), epochs=1)
    return len(x), work


def timed(work: dict[str, Callable[[], object]], clock: Callable[[], float]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(1 + ROUNDS):
        for name in list(work)[:: -1 if turn % 2 else 1]:
            began = clock()
            work[name]()
            if turn:
                times[name].append(clock() - began)
    return times


def main() -> None:
    n, work = works(1)
    times = timed(work, time.process_time)
    alone = {name: round(n / statistics.median(t) / 1e6, 3) for name, t in times.items()}
    two = timed(works(2)[1], time.perf_counter)
    both = {name: round(n / statistics.median(t) / 1e6, 3) for name, t in two.items()}
    print(f"M pairs for a second of a processor: {alone}; a second on two cores: {both}")
    facts = {"million_pairs_a_processor_second": alone, "million_pairs_a_second_on_two_cores": both}
    torch.set_num_threads(1)
    if "gensim" in work:
        record("skip_gram", times, reference="gensim", bar=1.0, better="higher", facts=facts)
    else:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "skip_gram.json").write_text(json.dumps({"benchmark": "skip_gram", **facts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
