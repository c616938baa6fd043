"""The first capture: a program run in this process against a monitor made of function calls. One at a time."""

from __future__ import annotations

import asyncio
import gc
import runpy
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime import Settings, configure, set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack

from egov.capture.graph import CaptureError, Graph
from egov.capture.recorder import FEATURE_NAMES, FEATURES, Recorder, References, place_of
from egov.city.uncollected import uncollected


class Monitor:
    """What the SDK calls of `pulumirpc.ResourceMonitor`, as methods; the names are the protocol's."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, D102, N802 - the protocol's
        return self._recorder.register(request)

    def ReadResource(self, request: Any) -> Any:  # noqa: ANN401, D102, N802
        return self._recorder.read(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, D102, N802
        self._recorder.outputs(request)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: ANN401, D102, N802
        raise self._recorder.refuse_call(request.tok)

    def Call(self, request: Any) -> Any:  # noqa: ANN401, D102, N802
        raise self._recorder.refuse_call(request.tok)

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: ANN401, D102, N802
        return resource_pb2.DeploymentInfo(supportedFeatures=FEATURES)

    def SupportsFeature(self, request: Any) -> Any:  # noqa: ANN401, D102, N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in FEATURE_NAMES)

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: ANN401, D102, N802
        return empty_pb2.Empty()


class _Inline(ThreadPoolExecutor):
    """An executor that runs what it is given at once: calls of a monitor in memory do not wait for anything."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:  # noqa: ANN401
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **named))
        except BaseException as error:  # noqa: BLE001 - handed on to who awaits it
            future.set_exception(error)
        return future


def capture(
    program: Callable[[], None],
    *,
    project: str,
    stack: str,
    folder: Path,
    config: Mapping[str, str],
    references: References = lambda _name: None,
) -> Graph:
    """Return what a program registers.

    folder: the programs' folder, for the places in errors. config: as `Pulumi.<stack>.yaml` has it, keys with their
    namespace. CaptureError, with file and line of the program, for whatever it raises.
    """
    recorder = Recorder(project, stack, folder, references)

    def run() -> None:
        settings = Settings(project, stack, Monitor(recorder), dry_run=True, organization="organization")
        configure(settings)
        set_all_config(dict(config), [])
        loop = asyncio.new_event_loop()
        loop.set_default_executor(_Inline(1))
        # Of a task that failed because another did nothing more is to be said: what failed first is raised.
        loop.set_exception_handler(lambda _loop, _context: None)
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(run_in_stack(lambda: _settled(program)))
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            asyncio.set_event_loop(None)
            loop.close()

    with _unawaited_quietly():
        failed = _ran(run, folder, project)
        if failed is not None:
            gc.collect()
    if failed is not None:
        raise failed
    return recorder.graph()


async def _settled(program: Callable[[], None]) -> None:
    """Run a program and await all that it started, at once.

    The SDK awaits its tasks one after the other and looks at all that are left each time: by the square of their
    number. What does not end within a fifth of a second, or fails, is left to it: it knows which error to raise.
    """
    program()
    own = asyncio.current_task()
    while left := {task for task in asyncio.all_tasks() if task is not own}:
        done, _ = await asyncio.wait(left, timeout=0.2, return_when=asyncio.FIRST_EXCEPTION)
        if not done or any(task.cancelled() or task.exception() for task in done):
            return


def _ran(run: Callable[[], None], folder: Path, project: str) -> CaptureError | None:
    """Run a program in a thread of its own and return what it failed with: one line, no traceback held on to.

    The thread gives it settings of its own, and a short stack: the SDK walks the whole of it for every resource.
    """
    failed: list[CaptureError] = []

    def guarded() -> None:
        try:
            run()
        except Exception as error:  # noqa: BLE001 - a program may raise anything; it is said, not swallowed
            failed.append(_located(error, folder, project))

    thread = threading.Thread(target=guarded, name=f"capture of {project}", daemon=True)
    # The SDK keeps every task alive: with the collector 1,000 resources take 2.5 to 5 times as long (measured).
    with uncollected():
        thread.start()
        thread.join()
    return failed[0] if failed else None


@contextmanager
def _unawaited_quietly() -> Iterator[None]:
    """Let go of what a failed program left unawaited without the SDK's warning of it, here or in others' work."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        yield


def _located(error: BaseException, folder: Path, project: str) -> CaptureError:
    """Return an error of a program as one line for a person, with the place nearest to the program.

    It holds on to nothing of the program: frames of a failed run keep thousands of tasks alive.
    """
    for cause in _causes(error):
        if isinstance(cause, CaptureError):
            return cause.with_traceback(None)
    frames = [(frame.filename, frame.lineno or 0) for frame in reversed(traceback.extract_tb(error.__traceback__))]
    place = place_of(frames, folder)
    return CaptureError(f"{place if place.file else project}: {said(error)}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, each once: tasks that hand an error on to each other make circles."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def said(error: BaseException) -> str:
    """Return what an exception says, on one line; of a validation every problem with its field."""
    problems = getattr(error, "errors", None)
    if callable(problems):
        found = [f"{'.'.join(map(str, p['loc']))}: {p['msg'][:1].lower()}{p['msg'][1:]}" for p in problems()]
        return f"{getattr(error, 'title', 'arguments')}: {'; '.join(found)}"
    text = " ".join(str(error).split()) or type(error).__name__
    return f"no {text}" if isinstance(error, KeyError) else text


def capture_folder(program: Path, **told: Any) -> Graph:  # noqa: ANN401 - arguments of `capture`
    """Return what a program's folder registers; other arguments as those of `capture`."""

    def run() -> None:
        path = [*sys.path]
        try:
            runpy.run_path(str(program), run_name="__main__")
        finally:
            sys.path[:] = path

    return capture(run, **told)
