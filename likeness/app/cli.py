"""The command `likeness`: one verb a file of this room, each a dataclass whose fields are its options.

A verb's module has `run` and either `Options` (a dataclass, read from the command line by tyro) or its own `parse`.
Modules are imported when their verb is called, so that `likeness --help` is quick. Every failure is one line on
stderr: exit code 2 for what a person can mend, 70 for a fault of ours; `LIKENESS_DEBUG=1` shows the traceback.
"""

import os
import sys
import time
from importlib import import_module

from likeness import __version__
from likeness.errors import DivergedError, InputError, PeersLostError, unknown

VERBS = {
    "train": "train a model on your data, refine its draws, judge them, write a report",
    "sweep": "train with many settings, judge each, and report the best",
    "sample": "draw from a run",
    "variants": "draw near given records: so many of each",
    "refine": "draw better samples: from a run, or from files with real data beside them",
    "judge": "score a run or a file of samples against a reference, with intervals and baselines",
    "diagnose": "say what is wrong with a run and what to change; or what a VAE's loss comes to",
    "embed": "the codes of new data, from a run that has an encoder",
    "probe": "what can be read from a run's codes, with few and with all labels, beside pixels and PCA",
    "report-embedding": "say what is wrong with feature vectors, from any file of them, on one page",
    "reconstruct": "new data encoded and decoded again: denoised, or what a code keeps of them",
    "read": "the texts of images of lines, from a run that learned to read",
    "neighbours": "words that lie near others, and analogies, from a run of word-vectors",
    "anomaly": "which of new data are unlike what a run learned, with a stated rate of false alarms",
    "compare": "put the scores of several runs or files side by side, if they can be compared",
    "runs": "list the runs you have, set them side by side, remove some",
    "bench": "measure what a training step costs on this machine, part by part",
    "papers": "list the cards: what is claimed, what was measured here",
    "reproduce": "run a card and hold it against the paper's claim",
    "demo": "the main job on data that is built in: two minutes, ends with a report",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version"):
        print(f"likeness {__version__}")
        return 0
    return _guarded(words[0], words[1:])


def _guarded(verb: str, words: list[str]) -> int:
    try:
        return _verb(verb, words)
    except (InputError, DivergedError) as error:
        return _fail(str(error), 2)
    except PeersLostError as error:  # the process that ended first says why
        return _fail(str(error), 75)
    except KeyboardInterrupt:
        return _fail("interrupted", 2)
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        told = " ".join(str(error).split())[:300]
        return _fail(f"a fault of ours, {type(error).__name__}: {told} (LIKENESS_DEBUG=1 shows where)", 70)


def _verb(verb: str, words: list[str]) -> int:
    if verb not in VERBS:
        raise unknown("command", verb, VERBS)
    module = import_module(f"likeness.app.{verb.replace('-', '_')}")
    if hasattr(module, "parse"):
        return module.run(module.parse(words)) or 0
    from likeness.app.options import parsed

    options = parsed(module.Options, words, f"likeness {verb}", VERBS[verb])
    if getattr(options, "processes", 1) != 1:
        from likeness.run import processes

        if not processes.started():
            return processes.launch(options.processes, [verb, *words])
    return module.run(options) or 0


def _fail(message: str, code: int) -> int:
    if os.environ.get("LIKENESS_DEBUG"):
        raise  # noqa: PLE0704  (called from an except block)
    if os.environ.get("RANK", "0") != "0":
        time.sleep(2)  # where the first process fails in the same way, it speaks, and the launcher ends this one
    print(f"likeness: {message}", file=sys.stderr, flush=True)
    return code


def _help() -> str:
    lines = ["usage: likeness VERB [options]      (likeness VERB --help tells the options)", ""]
    lines += [f"  {verb:17s} {what}" for verb, what in VERBS.items()]
    return "\n".join([*lines, "", "  likeness train gan --data digits --out runs/first", f"  version {__version__}"])
