"""Where each piece of SQL comes from that goes to PostgreSQL, read out of the syntax trees. Judges nothing else.

A statement is made by us when it is a constant; a name or a private parameter that only ever holds such; a constant
filled with such, or put through `psycopg.sql`, whose identifiers and literals are quoted by the driver.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

EXECUTES = {"execute", "executemany", "copy"}

FROM_FILES = {("migrate.py", "text"): "the numbered files of the package"}
"""(module, name) of what is read from our own files, and which."""

QUOTED = {"sql.SQL", "psycopg.sql.SQL", "SQL"}
"""Only a constant may go in."""

QUOTES = {"sql.Identifier", "psycopg.sql.Identifier", "sql.Literal", "psycopg.sql.Literal"}
"""Anything may go in: the driver quotes it."""


@dataclass
class Module:
    """One module of services/postgres."""

    path: Path
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    """Assigned once, at the top."""

    @classmethod
    def read(cls, path: Path) -> Module:
        module = cls(path, ast.parse(path.read_text(encoding="utf-8")))
        for node in module.tree.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and node.value:
                module.constants[target.id] = node.value
        return module


class Reader:
    """Follows what is handed to the driver to where it comes from."""

    def __init__(self, modules: list[Module]) -> None:
        self._modules = {module.path.stem: module for module in modules}

    def foreign(self) -> Iterator[str]:
        """Each statement that is not made by us alone, by its place."""
        for module in self._modules.values():
            for function in (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)):
                for call in _calls(function):
                    if call.args and not self._ours(call.args[0], module, function):
                        yield f"{module.path.name}:{call.lineno}: {ast.unparse(call.args[0])}"

    def _ours(self, node: ast.expr, module: Module, function: ast.FunctionDef | None) -> bool:
        parts: list[ast.expr]
        match node:
            case ast.Constant():
                parts = []
            case ast.JoinedStr(values=values) | ast.Tuple(elts=values):
                parts = values
            case ast.FormattedValue(value=value):
                parts = [value]
            case ast.BinOp(left=left, right=right) | ast.IfExp(body=left, orelse=right):
                parts = [left, right]
            case _:
                return self._followed(node, module, function)
        return all(self._ours(part, module, function) for part in parts)

    def _followed(self, node: ast.expr, module: Module, function: ast.FunctionDef | None) -> bool:
        match node:
            case ast.Name(id=name):
                return self._named(name, module, function)
            case ast.Attribute(value=ast.Name(id=other), attr=name) if other in self._modules:
                return self._named(name, self._modules[other], None)
            case ast.Call():
                return self._called(node, module, function)
        return False

    def _called(self, node: ast.Call, module: Module, function: ast.FunctionDef | None) -> bool:
        name = ast.unparse(node.func)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if name in QUOTES:
            return True
        if name in QUOTED or name == "statement":
            return all(self._ours(argument, module, function) for argument in arguments)
        if name == "map":  # map(sql.Identifier, names)
            return ast.unparse(node.args[0]) in QUOTES
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join", "encode"}:
            composed = ast.unparse(node.func.value).partition("(")[0] in QUOTED
            return self._ours(node.func.value, module, function) and all(
                (composed and node.func.attr == "format" and not _is_text(argument))
                or self._ours(argument, module, function)
                for argument in arguments
            )
        helper = next((one for one in _functions(module) if one.name == name), None)
        return helper is not None and all(
            self._ours(found.value, module, helper)
            for found in ast.walk(helper)
            if isinstance(found, ast.Return) and found.value
        )

    def _named(self, name: str, module: Module, function: ast.FunctionDef | None) -> bool:
        if (module.path.name, name) in FROM_FILES:
            return True
        if function is not None:
            if assigned := list(_assigned(function, name)):
                return all(self._ours(value, module, function) for value in assigned)
            if name in (parameters := [one.arg for one in function.args.args]):
                return self._given(parameters.index(name), module, function)
        if name in module.constants:
            return self._ours(module.constants[name], module, None)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and name in [one.asname or one.name for one in node.names]:
                stem = (node.module or "").rpartition(".")[2]
                return stem in self._modules and self._named(name, self._modules[stem], None)
        return False

    def _given(self, position: int, module: Module, function: ast.FunctionDef) -> bool:
        """A private function's parameter, by what each of its callers hands over."""
        if not function.name.startswith("_"):
            return False
        calls = [
            (caller, call)
            for caller in _functions(module)
            for call in ast.walk(caller)
            if isinstance(call, ast.Call) and ast.unparse(call.func) in {function.name, f"self.{function.name}"}
        ]
        return bool(calls) and all(
            self._ours(call.args[position - ast.unparse(call.func).startswith("self.")], module, caller)
            for caller, call in calls
        )


def _is_text(node: ast.expr) -> bool:
    """`SQL.format` quotes values of other kinds; of texts we want to know where they come from."""
    return isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call)


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EXECUTES:
            yield node


def _functions(module: Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef))


def _assigned(function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            yield node.value
