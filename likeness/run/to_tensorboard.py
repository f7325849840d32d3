"""The course of a run as TensorBoard events in its folder: `tensorboard --logdir runs`."""

from collections.abc import Sequence

from likeness.run.sinks import Record, Start


class TensorBoard:
    """Scalars named `kind/name`, and findings as text. What lies beyond the step of a resumed run is purged."""

    def __init__(self, start: Start) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder, at = start.folder / "events", start.resumed_at
        self.where = f"TensorBoard in {folder}"
        self._events = SummaryWriter(str(folder), purge_step=None if at is None else at + 1)

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            for name, value in record.numbers.items():
                self._events.add_scalar(name, value, record.iteration, walltime=record.at)
            for name, text in record.words.items():
                self._events.add_text(name, text, record.iteration, walltime=record.at)

    def close(self, failed: bool) -> None:
        self._events.close()


def check() -> None:
    """TensorBoard is a dependency, and writes to the run's own folder."""


def begin(start: Start) -> TensorBoard:
    return TensorBoard(start)
