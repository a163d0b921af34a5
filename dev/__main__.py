"""`python -m dev COMMAND`: what the Makefile's targets run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dev import audit, bench, checks, engines, node, python_packages, site, stack, synthesis
from dev.failure import Failure
from dev.paths import STATE, VENV_PYTHON, data_dir
from dev.processes import Stopped, become_module, follow_parent, keep_bytecode, stop_on_signals
from dev.steps import one_at_a_time


def install() -> None:
    """Python and Node packages, as locked."""
    python_packages.install_step().ensure()
    if step := node.node_step():
        step.ensure()
    node.packages_step().ensure()


def build() -> None:
    """What the bucket serves."""
    install()
    site.client_step().ensure()
    site.static_step().ensure()


def _lock() -> None:
    python_packages.install_step().ensure()
    python_packages.lock()


def _run() -> None:
    stack.check_before_start()
    with one_at_a_time():
        build()
        synthesis.synthesise_for(data_dir())
    stack.start()


def _test() -> None:
    with one_at_a_time():
        build()
    checks.test()


def _test_engines() -> None:
    with one_at_a_time():
        build()
        engines.install()
    checks.engines()


def _fuzz() -> None:
    with one_at_a_time():
        build()
    checks.fuzz()


def _bench() -> None:
    with one_at_a_time():
        build()
        for step in bench.install_steps():
            step.ensure()
    bench.measure()


def _check() -> None:
    with one_at_a_time():
        install()
    checks.check()


def _synth() -> None:
    with one_at_a_time():
        build()
        synthesis.synthesise_for_deployment({}, validate=False)
    print("Synthesised into cdk.out.")


def _for_deployments(*module: str) -> Callable[[], None]:
    """Become a program that works on an account, or tells of one, in the environment of the checkout."""

    def work() -> None:
        with one_at_a_time():
            build()
            node.cdk_step().ensure()
        become_module(*module)

    return work


def _cost() -> None:
    profile = os.environ.get("PROFILE", "try")
    assembly = STATE / "cost" / profile
    with one_at_a_time():
        build()
        synthesis.synthesise_without_packages(assembly, {"profile": profile})
    become_module("dev.cost", str(assembly), os.environ.get("PEOPLE", "100"))


def _smoke() -> None:
    url = os.environ.get("URL", "")
    if not url:
        raise Failure("URL is missing: make smoke URL=http://127.0.0.1:8000/")
    become_module("dev.smoke", url)


@contextmanager
def _reasons_shown() -> Iterator[None]:
    """Print the end of what a failed program has printed: whoever has just saved a file wants to see it."""
    try:
        yield
    except Failure as failure:
        print("\n".join(failure.printed.rstrip().splitlines()[-30:]), file=sys.stderr)
        raise


def _rebuild_client() -> None:
    with _reasons_shown(), one_at_a_time():
        site.client_step().ensure()


def _rebuild_template() -> None:
    with _reasons_shown(), one_at_a_time():
        synthesis.synthesise_for(data_dir())


def _locked(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with one_at_a_time():
            work()

    return run


def _installing(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        with one_at_a_time():
            install()
        work()

    return run


def _installed(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        if not VENV_PYTHON.exists():
            raise Failure("Nothing runs in this checkout yet: start it with make run.")
        work()

    return run


COMMANDS: dict[str, Callable[[], None]] = {
    "run": _run,
    "test": _test,
    "test-engines": _test_engines,
    "conformance": _installing(checks.conformance),
    "autobahn": _installing(checks.autobahn),
    "endurance": _installing(checks.endurance),
    "faults": _installing(checks.faults),
    "fuzz": _fuzz,
    "audit": _installing(audit.audit),
    "bench": _bench,
    "check": _check,
    "synth": _synth,
    "deploy": _for_deployments("dev.deploy", "deploy"),
    "diff": _for_deployments("dev.deploy", "diff"),
    "destroy": _for_deployments("dev.deploy", "destroy"),
    "smoke": _installing(_smoke),
    "cost": _cost,
    "build": _locked(build),
    "rebuild-client": _rebuild_client,
    "rebuild-template": _rebuild_template,
    "install": _locked(install),
    "lock": _locked(_lock),
    "shell": _installed(stack.shell),
    "admin": _installed(stack.admin),
    "broadcast": _installed(stack.broadcast),
}


def main(arguments: list[str]) -> int:
    """Run one command. Returns the exit status: 1 after a sentence on standard error, 2 for wrong usage."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m dev {{{','.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    try:
        stop_on_signals()
        follow_parent()
        keep_bytecode()
        COMMANDS[arguments[0]]()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    except Stopped:
        print("Stopped.", file=sys.stderr)
        return 0 if arguments[0] == "run" else 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
