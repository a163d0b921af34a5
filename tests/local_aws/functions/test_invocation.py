"""What an invocation answers: results, exceptions, timeouts, crashes, failed starts, as Lambda says them."""

import asyncio
import json
import re
import sys
import time

import pytest

from local_aws.functions import FunctionNotFound, Invocation, Throttled


def answer(invocation: Invocation) -> dict:
    return json.loads(invocation.payload)


async def test_the_handler_gets_the_event_and_its_result_comes_back(function, start):
    functions = start(
        function("def handler(event, context): return {'got': event, 'id': context.aws_request_id}")
    )

    invocation = await functions.invoke(
        "target", b'{"a": 1}', request_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427"
    )

    assert invocation.error is None
    assert answer(invocation) == {"got": {"a": 1}, "id": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}


async def test_the_context_tells_the_function_arn_memory_and_remaining_time(function, start):
    source = """
        def handler(event, context):
            remaining = context.get_remaining_time_in_millis()
            return [context.invoked_function_arn, context.memory_limit_in_mb, remaining]
    """
    functions = start(function(source, timeout_seconds=7, memory_mb=512))

    arn, memory, remaining = json.loads((await functions.invoke("target", b"{}")).payload)

    assert arn == "arn:aws:lambda:us-east-1:123456789012:function:target"
    assert memory == "512"
    assert 5_000 < remaining <= 7_000


async def test_an_exception_is_an_unhandled_error_with_its_type_and_trace(function, start):
    functions = start(function("def handler(event, context): raise KeyError('missing')"))

    invocation = await functions.invoke("target", b"{}")

    assert invocation.error == "Unhandled"
    assert answer(invocation)["errorType"] == "KeyError"
    assert "missing" in answer(invocation)["errorMessage"]
    assert any("app.py" in line for line in answer(invocation)["stackTrace"])


async def test_an_environment_survives_an_exception(function, start):
    source = """
        import os
        def handler(event, context):
            if event: raise ValueError(os.getpid())
            return os.environ["AWS_LAMBDA_RUNTIME_API"]
    """
    functions = start(function(source))

    before = (await functions.invoke("target", b"{}")).payload
    await functions.invoke("target", b'{"fail": true}')
    after = (await functions.invoke("target", b"{}")).payload

    assert before == after


async def test_a_timeout_kills_the_process_and_says_so(function, start):
    source = """
        import time
        def handler(event, context):
            while event.get("spin"): pass
            return "fine"
    """
    functions = start(function(source, timeout_seconds=1))

    began = time.monotonic()
    invocation = await functions.invoke("target", b'{"spin": true}')

    assert time.monotonic() - began < 5
    assert invocation.error == "Unhandled"
    assert answer(invocation)["errorType"] == "Sandbox.Timedout"
    assert answer(invocation)["errorMessage"] == (
        f"RequestId: {invocation.request_id} Error: Task timed out after 1.00 seconds"
    )
    assert (await functions.invoke("target", b"{}")).payload == b'"fine"'


@pytest.mark.parametrize(
    ("last_words", "said"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
    ],
)
async def test_a_crash_answers_as_the_service_does_and_the_next_invocation_works(
    function, start, last_words, said
):
    source = f"""
        import os
        def handler(event, context):
            if event: {last_words}
            return "fine"
    """
    functions = start(function(source))

    invocation = await functions.invoke("target", b'{"crash": true}')

    assert invocation.error == "Unhandled"
    assert answer(invocation) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {invocation.request_id} Error: {said}",
    }
    assert (await functions.invoke("target", b"{}")).payload == b'"fine"'


@pytest.mark.parametrize(
    ("source", "handler", "error_type"),
    [
        ("import not_there", "app.handler", "Runtime.ImportModuleError"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("def other(event, context): ...", "app.handler", "Runtime.HandlerNotFound"),
        ("raise RuntimeError('at import')", "app.handler", "RuntimeError"),
        ("", "nowhere", "Runtime.MalformedHandlerName"),
    ],
)
async def test_a_failed_start_is_the_answer_of_the_invocation(function, start, source, handler, error_type):
    functions = start(function(source, handler=handler))

    for _ in range(2):
        invocation = await functions.invoke("target", b"{}")
        assert invocation.error == "Unhandled"
        assert answer(invocation)["errorType"] == error_type


async def test_a_process_that_ends_while_it_starts_is_the_answer_too(function, start):
    functions = start(function("import os; os._exit(4)"))

    invocation = await functions.invoke("target", b"{}")

    assert answer(invocation)["errorMessage"].endswith("Error: Runtime exited with error: exit status 4")


async def test_a_result_over_six_megabytes_is_refused(function, start):
    functions = start(function("def handler(event, context): return 'x' * event['size']"))

    fits = await functions.invoke("target", b'{"size": 6000000}')
    too_large = await functions.invoke("target", b'{"size": 6300000}')

    assert fits.error is None
    assert answer(too_large)["errorType"] == "Function.ResponseSizeTooLarge"
    assert (await functions.invoke("target", b'{"size": 1}')).payload == b'"x"'


async def test_a_result_that_is_no_json_is_a_marshalling_error(function, start):
    functions = start(function("def handler(event, context): return object()"))

    assert answer(await functions.invoke("target", b"{}"))["errorType"] == "Runtime.MarshalError"


async def test_an_unknown_function_is_not_found(function, start):
    functions = start(function("def handler(event, context): ..."))

    with pytest.raises(FunctionNotFound):
        await functions.invoke("other", b"{}")


async def test_reserved_concurrency_throttles_and_frees_again(function, start):
    source = "import time\ndef handler(event, context): time.sleep(event)"
    functions = start(function(source, reserved_concurrency=1))

    first = asyncio.create_task(functions.invoke("target", b"0.5"))
    await asyncio.sleep(0)
    with pytest.raises(Throttled):
        await functions.invoke("target", b"0")
    await first

    assert (await functions.invoke("target", b"0")).error is None


async def test_without_any_concurrency_a_function_never_runs(function, start):
    functions = start(function("def handler(event, context): ...", reserved_concurrency=0))

    with pytest.raises(Throttled):
        await functions.invoke("target", b"{}")


async def test_one_process_handles_one_event_at_a_time_and_more_processes_come_as_needed(function, start):
    source = """
        import os, time
        ACTIVE = 0
        def handler(event, context):
            global ACTIVE
            ACTIVE += 1
            time.sleep(0.3)
            ACTIVE -= 1
            return [os.environ["AWS_LAMBDA_RUNTIME_API"], ACTIVE]
    """
    functions = start(function(source), most_environments=3)

    results = await asyncio.gather(*(functions.invoke("target", b"{}") for _ in range(6)))

    answers = [json.loads(result.payload) for result in results]
    assert {active for _, active in answers} == {0}
    assert len({api for api, _ in answers}) == 3


async def test_short_work_doesnt_start_further_processes(function, start):
    functions = start(
        function("import os\ndef handler(event, context): return os.environ['AWS_LAMBDA_RUNTIME_API']")
    )
    await functions.invoke("target", b"{}")

    results = await asyncio.gather(*(functions.invoke("target", b"{}") for _ in range(5)))

    assert len({result.payload for result in results}) == 1


async def test_idle_processes_end_but_for_the_one_kept_warm(function, start):
    source = """
        import os, time
        def handler(event, context):
            own = os.environ["AWS_LAMBDA_RUNTIME_API"]
            open(f"met-{own}", "w").close()
            while sum(name.startswith("met-") for name in os.listdir()) < 2: time.sleep(0.01)
            return own
    """
    functions = start(
        function(source, name="kept"), function(source, name="other"), kept_warm={"kept"}, idle_seconds=0.3
    )

    async def used(name: str) -> set[bytes]:
        return {i.payload for i in await asyncio.gather(*(functions.invoke(name, b"{}") for _ in range(2)))}

    kept, other = await used("kept"), await used("other")
    assert len(kept) == len(other) == 2
    await asyncio.sleep(1)

    assert (await functions.invoke("kept", b"{}")).payload in kept
    assert (await functions.invoke("other", b"{}")).payload not in other


async def test_a_caller_that_goes_away_leaves_the_environment_usable(function, start):
    functions = start(function("import time\ndef handler(event, context): time.sleep(event); return event"))
    await functions.invoke("target", b"0")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await functions.invoke("target", b"0.4")

    assert (await functions.invoke("target", b"0")).payload == b"0"


async def test_nothing_of_the_callers_environment_gets_in(function, start, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real one")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    source = "import os\ndef handler(event, context): return dict(os.environ)"
    functions = start(function(source, environment={"MINE": "yes", "AWS_REGION": "mars-1"}))

    variables = json.loads((await functions.invoke("target", b"{}")).payload)

    assert variables["MINE"] == "yes"
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "target"
    assert variables["AWS_SECRET_ACCESS_KEY"] != "a real one"
    assert not {"AWS_PROFILE", "PYTHONDONTWRITEBYTECODE"} & set(variables)


async def test_what_a_function_says_is_in_its_log_between_start_and_end(function, start, logs, terminal):
    source = (
        "import sys\ndef handler(event, context):\n print('to stdout')\n print('to stderr', file=sys.stderr)"
    )
    functions = start(function(source))

    request_id = (await functions.invoke("target", b"{}")).request_id
    logs.close()

    lines = logs.path("target").read_text().splitlines()
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1:4] == ["to stdout", "to stderr", f"END RequestId: {request_id}"]
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\t(Max Memory Used: \d+ MB\t)?Init Duration: [\d.]+ ms",
        lines[4],
    )
    assert terminal.getvalue().decode().splitlines() == [f"target | {line}" for line in lines]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("log_format", ["Text", "JSON"])
async def test_the_report_says_how_much_memory_was_used_at_most(function, start, logs, log_format):
    source = "def handler(event, context): bytearray(80 * 1024 * 1024)"
    functions = start(function(source, log_format=log_format, system_log_level="INFO"))

    await functions.invoke("target", b"{}")
    logs.close()

    text = logs.path("target").read_text()
    found = re.search(r'(Max Memory Used: |"maxMemoryUsedMB": )(\d+)', text)
    assert found is not None, text
    assert 80 <= int(found[2]) < 300


async def test_json_logs_above_info_have_no_platform_lines(function, start, logs):
    source = "import logging\ndef handler(event, context): logging.warning('look')"
    functions = start(function(source, log_format="JSON", system_log_level="WARN"))

    request_id = (await functions.invoke("target", b"{}")).request_id
    logs.close()

    [record] = map(json.loads, logs.path("target").read_text().splitlines())
    assert (record["message"], record["level"], record["requestId"]) == ("look", "WARNING", request_id)


async def test_the_end_of_the_log_comes_with_the_answer(function, start):
    functions = start(function("def handler(event, context): print('x' * 5000); print('last')"))

    invocation = await functions.invoke("target", b"{}")

    assert len(invocation.log) == 4096
    assert b"last\n" in invocation.log
