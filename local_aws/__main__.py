"""Runs a synthesised assembly: `python -m local_aws --assembly cdk.out`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from local_aws.errors import StackError
from local_aws.functions.service import MOST_ENVIRONMENTS
from local_aws.gateway import Faults, Limits
from local_aws.reloading.rebuild import Rule
from local_aws.reloading.reload import Watched
from local_aws.supervisor import Options, run

_LIMITS = Limits()
_LONGEST_LIMIT = 1_000_000

_DESCRIPTION = """\
Run a synthesised CDK assembly on this machine, without an AWS account and without Docker.

Runs: WebSocket and HTTP APIs (API Gateway v2), Python Lambda functions, SQS queues with their event source
mappings, EventBridge rules and schedules on a clock, PostgreSQL databases, a CloudFront distribution,
Triggers; and, by moto, DynamoDB tables with their streams, S3 buckets, SNS topics, SSM parameters and Secrets
Manager secrets. What else the template declares is named at the start, with what it means that it is missing.
"""
_EPILOG = f"""\
PORT serves the distribution, or the APIs themselves where there is none. PORT+1 is the AWS endpoint (Lambda
Invoke, SQS, @connections, DynamoDB, S3, SNS, SSM, Secrets Manager), for functions, the AWS CLI and SDKs.
Everything listens on 127.0.0.1 only.

Each function is held to the policies of its role. Any other key (`test` will do) is the developer's, who may
do everything. Functions reach AWS's host names by a proxy that leads here and nowhere else.

A function has at most {MOST_ENVIRONMENTS} processes at once here (twice the number of cores), fewer where it
reserves less concurrency; invocations beyond that wait. Idle processes end after a minute, but for one of
each function that an API or a queue invokes.

Ctrl-C, SIGTERM and SIGHUP stop the stack; the exit status is then 0.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--assembly",
        type=Path,
        required=True,
        metavar="DIR",
        help="the folder that `cdk synth` wrote (cdk.out)",
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="the port to serve; the next one is used too (8000)"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".local"),
        metavar="DIR",
        help="where the database, queued messages, secrets and logs are kept (.local)",
    )
    parser.add_argument(
        "--stack",
        action="append",
        default=[],
        metavar="NAME",
        help="run this stack and what it depends on, not all; a pattern such as 'dev-*'; may be repeated",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="[STACK:]NAME=VALUE",
        help="a value for a parameter of the template, or for an SSM parameter or a secret of that name that "
        "the assembly reads and doesn't declare; may be repeated",
    )
    parser.add_argument(
        "--on-ready", metavar="TEXT", help="print TEXT once ready; {url} stands for the address"
    )
    parser.add_argument("--stop-with", type=int, metavar="PID", help="stop when this process ends")
    parser.add_argument(
        "--explain", action="store_true", help="also name the resources that need not run here"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="don't start where the template declares something that can't run here; list all of it",
    )
    parser.add_argument(
        "--debug",
        action="append",
        default=[],
        metavar="FUNCTION[:PORT]",
        help="let a debugger attach to this function at PORT (5678), by debugpy; it has one process then, "
        "and no timeout; may be repeated",
    )
    saving = parser.add_argument_group("what is saved while it runs")
    saving.add_argument(
        "--no-reload",
        action="store_true",
        help="watch nothing: by default saved code counts from the next event on, and a changed assembly is "
        "applied",
    )
    saving.add_argument(
        "--watch",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="code to watch, instead of the folders that the functions' code lies in; may be repeated",
    )
    saving.add_argument(
        "--rebuild",
        action="append",
        default=[],
        metavar="PATH[,PATH…]=COMMAND",
        help="run COMMAND when something in these files or folders is saved, such as "
        "'infra,app.py=cdk synth'; may be repeated",
    )
    gateway = parser.add_argument_group("the WebSocket gateway")
    gateway.add_argument(
        "--idle-limit",
        type=_seconds,
        default=_LIMITS.idle,
        metavar="S",
        help="close a connection that was silent for this long (600)",
    )
    gateway.add_argument(
        "--age-limit",
        type=_seconds,
        default=_LIMITS.age,
        metavar="S",
        help="close a connection that has been open for this long (7200)",
    )
    gateway.add_argument(
        "--messages-at-once",
        type=_count,
        default=_LIMITS.events_in_flight,
        metavar="N",
        help="how many messages of one connection are handled at once (64); 1: one after another",
    )
    gateway.add_argument(
        "--chaos",
        type=_faults,
        metavar="FAULTS",
        help=(
            "do to pushes and $disconnect what AWS may do: delay-ms=200,reorder=0.1,duplicate=0.05,drop=0.01,"
            "lose-disconnect=0.5,seed=7 (each from 0 to 1, how often; the same seed repeats a run)"
        ),
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= _LONGEST_LIMIT:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds from 0 to {_LONGEST_LIMIT}")
    return seconds


def _parameter(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return count


def _faults(text: str) -> Faults:
    try:
        return Faults.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _options(given: argparse.Namespace) -> Options:
    watched = Watched(
        assembly=given.assembly,
        data_dir=given.data_dir,
        code=tuple(given.watch),
        rules=tuple(map(Rule.parsed, given.rebuild)),
    )
    return Options(
        assembly=given.assembly,
        port=given.port,
        data_dir=given.data_dir,
        on_ready=given.on_ready,
        parameters=dict(given.parameter),
        stacks=tuple(given.stack),
        strict=given.strict,
        stop_with=given.stop_with,
        explain=given.explain,
        debug=tuple(given.debug),
        limits=Limits(idle=given.idle_limit, age=given.age_limit, events_in_flight=given.messages_at_once),
        faults=given.chaos,
        watch=None if given.no_reload else watched,
    )


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 after a stop, 1 where the stack couldn't start."""
    given = _parser().parse_args(arguments)
    try:
        asyncio.run(run(_options(given)))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the stack could take the signal
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
