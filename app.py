"""Synthesises the assembly: `python app.py`, or the CDK CLI through cdk.json."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from dev import node

ROOT = Path(__file__).resolve().parent


def context() -> dict[str, Any]:
    """The context of cdk.json, overridden by that which the CDK CLI, or whoever starts this, hands over."""
    settings = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))
    return {**settings["context"], **json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))}


def keep_bytecode() -> None:
    """Have Python keep what it compiles, in a folder of ours where it was told to write none beside sources.

    Compiling the CDK's modules takes twice as long as all else of a synthesis.
    """
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(ROOT / ".cache" / "bytecode")


def main() -> int:
    """Synthesise into `CDK_OUTDIR`, cdk.out unless set. Returns 1 after a sentence on standard error."""
    if not node.node().exists():
        print("The CDK needs Node 20 or later: run `make install`, which brings it.", file=sys.stderr)
        return 1
    os.environ.update(node.environment())
    keep_bytecode()
    # Only now: importing the CDK starts Node.
    from infra import packages
    from infra.failure import Failure
    from infra.synthesis import synthesise

    try:
        synthesise(context(), Path(os.environ.get("CDK_OUTDIR", ROOT / "cdk.out")))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except RuntimeError:  # what comes back through jsii has lost its class
        if not packages.failures:
            raise
        print(packages.failures[-1], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
