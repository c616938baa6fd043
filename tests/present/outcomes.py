"""Which outcomes a check can name, read from its own code: nothing is listed twice."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator

from egov.checks import checks


def outcomes(name: str) -> set[str]:
    """Return every outcome that the check's function can give: its two defaults and those it names in `judge(…)`."""
    check = checks()[name]
    module = ast.parse(inspect.getsource(sys.modules[check.function.__module__]))
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    body = functions[check.function.__name__]
    calls = [node for node in ast.walk(body) if _calls(node, "judge")]
    named = {text for call in calls if len(call.args) > 1 for text in _texts(call.args[1], body, functions)}
    return named | {default for call in calls if _may_default(call, body) for default in (check.passed, check.violated)}


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _may_default(call: ast.Call, body: ast.FunctionDef) -> bool:
    """Say whether a call of `judge` names no outcome, or one that may be None."""
    if len(call.args) < 2:
        return True
    return any(isinstance(n, ast.Constant) and n.value is None for n in _values(call.args[1], body))


def _values(node: ast.expr, body: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what an expression may be: each branch, each value a name was given."""
    if isinstance(node, ast.IfExp):
        yield from _values(node.body, body)
        yield from _values(node.orelse, body)
    elif isinstance(node, ast.Name):
        for given in ast.walk(body):
            if isinstance(given, ast.Assign) and isinstance(given.targets[0], ast.Name | ast.Tuple):
                target = given.targets[0]
                names = [t.id for t in (target.elts if isinstance(target, ast.Tuple) else [target])]  # type: ignore[attr-defined]
                if names and names[0] == node.id:
                    yield from _values(given.value, body)
    else:
        yield node


def _texts(node: ast.expr, body: ast.FunctionDef, functions: dict[str, ast.FunctionDef]) -> Iterator[str]:
    for value in _values(node, body):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name):  # the first of what a helper returns
            for found in ast.walk(functions[value.func.id]):
                if isinstance(found, ast.Return) and isinstance(found.value, ast.Tuple):
                    yield from _texts(found.value.elts[0], functions[value.func.id], functions)
