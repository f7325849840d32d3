"""The course of a run at Weights & Biases (the extra `wandb`).

Without a key (WANDB_API_KEY, or what `wandb login` stored) it is written offline, into the run folder, from where
`wandb sync` sends it later; a key is never asked for. The project is that of WANDB_PROJECT, else `likeness`.
https://docs.wandb.ai
"""

import netrc
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from likeness.errors import InputError
from likeness.run.sinks import Record, Start, keep_run, known_run, lacks, setting

HOME = "api.wandb.ai"  # where `wandb login` has kept keys, whatever the service is called now


class WandB:
    """Settings are the config, numbers are `kind/name` over `iteration`, findings stand in the summary.

    Beyond the step from which a run goes on, values are logged again over the same iterations: it cannot forget.
    """

    def __init__(self, start: Start) -> None:
        import wandb

        how, host = mode(), address()
        self.where = "Weights & Biases " + (f"at {host}" if how == "online" else f"in {start.folder / 'wandb'}")
        known = known_run(start.folder, "wandb", host) if start.resumed_at is not None else None
        own = known or uuid4().hex[:8]
        quiet = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            finish_timeout=8,  # what has not arrived by then stays on disk, for `wandb sync`
            finish_timeout_raises=True,
        )
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "likeness"),
                name=start.name,
                id=own,
                resume="allow",
                dir=str(start.folder),
                mode=how,
                config={k: v for k, v in start.settings.items() if v is not None},
                allow_val_change=True,
                settings=quiet,
            )
        except Exception as error:  # each layer of the package raises its own
            remedy = "check the network and the key, or set WANDB_MODE=offline"
            raise InputError(f"cannot track to {self.where} ({type(error).__name__}): {remedy}") from None
        self._run.define_metric("*", step_metric="iteration")
        keep_run(start.folder, "wandb", host, own)

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.numbers:
                self._run.log({"iteration": record.iteration, **record.numbers})
            self._run.summary.update(record.words)

    def close(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


def check() -> None:
    """Raises InputError where the package is missing, or is to send with no key."""
    setting("WANDB_SILENT", "true")
    setting("WANDB_ERROR_REPORTING", "false")
    setting("WANDB_INIT_TIMEOUT", "20")  # seconds
    try:
        import wandb  # noqa: F401
    except ImportError:
        raise lacks("wandb") from None
    if mode() == "online" and not _has_key():
        raise InputError(f"WANDB_MODE=online without a key for {address()}: run `wandb login` or set WANDB_API_KEY")


def begin(start: Start) -> WandB:
    return WandB(start)


def mode() -> Any:
    """WANDB_MODE where it is set; else online where there is a key."""
    return os.environ.get("WANDB_MODE") or ("online" if _has_key() else "offline")


def address() -> str:
    """The server, without what else may stand in its address."""
    import wandb

    parts = urlsplit(wandb.setup().settings.base_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _has_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    hosts = [urlsplit(address()).netloc] + ([] if "WANDB_BASE_URL" in os.environ else [HOME])
    try:
        kept = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    return any(kept.authenticators(host) for host in hosts)
