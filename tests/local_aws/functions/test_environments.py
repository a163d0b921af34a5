"""Environments as functions and those who look at them see them: variables, logs, layers, versions, ends."""

import asyncio
import json
import re
import time

import pytest

from local_aws.functions import FunctionNotFound, Invocation, Throttled


def answer(invocation: Invocation) -> dict:
    return json.loads(invocation.payload)


async def test_sys_exit_ends_the_process_and_is_answered_as_the_service_does(function, start):
    functions = start(function("import sys\ndef handler(event, context): sys.exit(event)"))

    failed, left = await functions.invoke("target", b"1"), await functions.invoke("target", b"0")

    assert answer(failed)["errorMessage"].endswith("Error: Runtime exited with error: exit status 1")
    assert answer(left)["errorMessage"].endswith("Error: Runtime exited without providing a reason")


async def test_a_timeout_and_a_crash_are_in_the_report(function, start, logs):
    source = """
        import os, time
        def handler(event, context):
            if event: os._exit(3)
            time.sleep(9)
    """
    functions = start(function(source, timeout_seconds=1))

    await functions.invoke("target", b"false")
    crashed = (await functions.invoke("target", b"true")).request_id
    logs.close()

    text = logs.path("target").read_text()
    assert re.search(r"REPORT .*\tStatus: timeout\n", text)
    assert re.search(rf"REPORT RequestId: {crashed}.*\tStatus: error\tError Type: Runtime.ExitError\n", text)
    assert f"RequestId: {crashed} Error: Runtime exited with error: exit status 3\nRuntime.ExitError" in text


async def test_an_initialisation_is_billed_and_one_that_fails_is_reported(function, start, logs):
    fine = function("import time; time.sleep(0.3)\ndef handler(event, context): ...", name="fine")
    functions = start(fine, function("import not_there"))

    await functions.invoke("fine", b"{}")
    await functions.invoke("target", b"{}")
    logs.close()

    report = logs.path("fine").read_text().splitlines()[-1]
    numbers = re.search(
        r"Duration: ([\d.]+) ms\tBilled Duration: (\d+) ms.*Init Duration: ([\d.]+) ms", report
    )
    assert numbers is not None
    duration, billed, init = map(float, numbers.groups())
    assert init > 300
    assert billed - 1 <= duration + init <= billed
    text = logs.path("target").read_text()
    assert re.search(r"INIT_REPORT .*\tStatus: error\tError Type: Runtime.ImportModuleError\n", text)


async def test_all_who_wait_for_a_process_that_never_comes_up_are_told(function, start):
    functions = start(function("import not_there"), most_environments=1)

    results = await asyncio.gather(*(functions.invoke("target", b"{}") for _ in range(20)))

    assert {answer(result)["errorType"] for result in results} == {"Runtime.ImportModuleError"}


async def test_versions_and_aliases_are_known_by_their_arn_and_others_arent_found(function, start):
    source = "def handler(event, context): return context.invoked_function_arn"
    functions = start(function(source, qualifiers={"1": "1", "live": "1"}))

    arns = [answer(await functions.invoke("target", b"{}", qualifier=name)) for name in ("live", "$LATEST")]

    assert [arn.rpartition(":")[2] for arn in arns] == ["live", "$LATEST"]
    assert functions.version("target", "live") == "1"
    with pytest.raises(FunctionNotFound):
        await functions.invoke("target", b"{}", qualifier="2")


async def test_each_environment_has_a_log_stream_of_its_own_and_the_groups_name(function, start):
    source = """
        import os, time
        def handler(event, context):
            time.sleep(0.3)
            return [context.log_group_name, context.log_stream_name]
    """
    functions = start(function(source, log_group="/mine"), most_environments=2)

    results = await asyncio.gather(*(functions.invoke("target", b"{}") for _ in range(4)))

    names = {tuple(answer(result)) for result in results}
    assert {group for group, _ in names} == {"/mine"}
    assert len(names) == 2
    assert all(re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream) for _, stream in names)


async def test_layers_are_on_the_path_below_the_functions_own_code(function, start, tmp_path):
    for layer, folder in (("low", "python"), ("high", "python/lib/python3.13/site-packages")):
        (tmp_path / layer / folder).mkdir(parents=True)
        for module in ("covered", f"only_{layer}", "own"):
            (tmp_path / layer / folder / f"{module}.py").write_text(f"NAME = '{layer}'")
    source = """
        import covered, only_high, only_low, own
        def handler(event, context): return [covered.NAME, only_low.NAME, own.NAME]
    """
    target = function(source, layers=(tmp_path / "low", tmp_path / "high"))
    (target.code / "own.py").write_text("NAME = 'function'")

    result = await start(target).invoke("target", b"{}")

    assert answer(result) == ["high", "low", "function"]


async def test_a_runtime_that_asks_for_more_before_it_answered_keeps_the_event_that_it_has(function, start):
    source = """
        import os, urllib.error, urllib.request
        def handler(event, context):
            url = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/next"
            try:
                urllib.request.urlopen(url, timeout=2)
            except urllib.error.HTTPError as error:
                with error: return error.code
    """

    assert (await start(function(source)).invoke("target", b"{}")).payload == b"403"


async def test_who_goes_away_still_takes_the_reserved_concurrency_until_the_function_is_done(function, start):
    source = "import time\ndef handler(event, context): time.sleep(event)"
    functions = start(function(source, reserved_concurrency=1))
    await functions.invoke("target", b"0")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await functions.invoke("target", b"0.6")

    with pytest.raises(Throttled):
        await functions.invoke("target", b"0")
    await asyncio.sleep(0.8)
    assert (await functions.invoke("target", b"0")).error is None


async def test_one_functions_crashes_never_harm_its_other_events_nor_other_functions(function, start):
    source = """
        import os, time
        def handler(event, context):
            if event % 4 == 3: os.kill(os.getpid(), 9)
            time.sleep(0.02)
            return event
    """
    functions = start(function(source), function(source, name="other"), most_environments=3)

    both = await asyncio.gather(
        *(functions.invoke("target", str(n).encode()) for n in range(24)),
        *(functions.invoke("other", str(4 * n).encode()) for n in range(24)),
    )

    for number, result in enumerate(both[:24]):
        assert (result.error is None) is (number % 4 != 3), (number, result.payload)
        if result.error is None:
            assert answer(result) == number
    assert [answer(result) for result in both[24:]] == [4 * n for n in range(24)]


async def test_the_last_invocations_and_the_environments_can_be_looked_at(function, start):
    source = """
        import time
        def handler(event, context):
            print("hello")
            time.sleep(event)
            if event: raise ValueError
    """
    functions = start(function(source))

    await functions.triggered_by("SQS jobs").invoke("target", b"0")
    under_way = asyncio.create_task(functions.invoke("target", b"0.3", request_id="mine"))
    await asyncio.sleep(0.1)
    [during] = functions.status()
    await under_way
    [after] = functions.status()

    first, second = functions.invocations
    assert (first.trigger, first.status, second.trigger, second.status) == (
        *("SQS jobs", "success"),
        *("Invoke", "error"),
    )
    assert "hello" in first.log_lines
    assert 0.3 <= second.duration < 2
    [environment] = during.environments
    assert (environment.state, environment.request_id) == ("busy", "mine")
    assert (after.invocations, after.errors, after.last_error) == (2, 1, second)


async def test_what_is_under_way_at_the_end_is_in_the_log(function, start, logs):
    functions = start(function("import time\ndef handler(event, context): time.sleep(20)"))
    under_way = asyncio.create_task(functions.invoke("target", b"{}", request_id="mine"))
    await asyncio.sleep(0.5)

    began = time.monotonic()
    await functions.close()
    logs.close()

    assert time.monotonic() - began < 2
    assert (await under_way).error == "Unhandled"
    text = logs.path("target").read_text()
    assert re.search(
        r"RequestId: mine Error: Interrupted after \d\.\d\d seconds: the stack was stopped", text
    )


async def test_a_function_that_may_never_run_isnt_waited_for(function, start):
    functions = start(function("def handler(event, context): ...", reserved_concurrency=0))

    async with asyncio.timeout(1):
        await functions.warm("target")


async def test_an_answer_far_over_the_limit_is_refused_by_its_name_too(function, start):
    functions = start(function("def handler(event, context): return event * 'x'"))

    too_large = answer(await functions.invoke("target", b"40000000"))

    assert too_large["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer(await functions.invoke("target", b"1")) == "x"
