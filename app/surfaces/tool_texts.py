"""Texts for models: tools by their names, and what to do after a refusal."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from app.core.errors import CallError, NotFound, ScopeMissing
from app.core.procedure import AnyProcedure

SCOPE_ADVICE = "Ask the user to connect this app again and to allow it."
_ID = re.compile(r"(\w+?)_ids?")
# Who sees no list of all users sees the members of an organization.
_MORE_LISTS = {"user": ("members.list",)}

CanCall = Callable[[AnyProcedure], bool]


class ToolTexts:
    """Rewrites and completes the catalogue's texts for models, which call what they read."""

    def __init__(self, procedures: Iterable[AnyProcedure]) -> None:
        self._by_name = {item.name: item for item in procedures}
        names = "|".join(map(re.escape, self._by_name))
        self._names = re.compile(rf"(?<![\w.])(?:{names})(?![\w.]*\w)")

    def of(self, text: str) -> str:
        """Return a text with the names of tools in place of those of procedures."""
        return self._names.sub(lambda name: self._by_name[name[0]].tool_name, text)

    def of_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema with its descriptions rewritten."""

        def rewrite(node: object, key: str = "") -> object:
            if isinstance(node, dict):
                return {name: rewrite(value, name) for name, value in node.items()}
            if isinstance(node, list):
                return [rewrite(part) for part in node]
            return self.of(node) if key == "description" and isinstance(node, str) else node

        return cast("dict[str, Any]", rewrite(schema))

    def of_refusal(
        self,
        refusal: CallError,
        item: AnyProcedure,
        arguments: Mapping[str, Any],
        can_call: CanCall,
    ) -> str:
        """Return why a call was refused, field by field, and what to do next."""
        lines = [self.of(refusal.message)]
        lines += [f"- {field}: {self.of(text)}" for field, text in refusal.fields.items()]
        if isinstance(refusal, NotFound):
            lists = dict.fromkeys(self._lists(item, arguments, can_call))
            lines += [f"Find ids with {' or '.join(lists)}."] if lists else []
        elif isinstance(refusal, ScopeMissing):
            lines.append(SCOPE_ADVICE)
        elif refusal.retry_after and "second" not in refusal.message:
            lines.append(f"Try again in {refusal.retry_after} seconds.")
        return "\n".join(lines)

    def _lists(
        self, item: AnyProcedure, arguments: Mapping[str, Any], can_call: CanCall
    ) -> Iterator[str]:
        """Return the tools that list the ids among some arguments."""
        for argument, value in arguments.items():
            match = _ID.fullmatch(argument)
            if match and value:
                named = (self._by_name.get(name) for name in _candidates(item.noun, match[1]))
                tool = next((tool for tool in named if tool and can_call(tool)), None)
                if tool is not None:
                    yield tool.tool_name


def _candidates(noun: str, singular: str) -> Iterator[str]:
    """Return the procedures that may list such ids, those of the same noun first."""
    plural = f"{singular}s"
    if noun == plural or noun.endswith(f"_{plural}"):
        yield f"{noun}.list"
    yield f"{noun}.{plural}"
    yield f"{noun}.list_{plural}"
    yield f"{plural}.list"
    yield from _MORE_LISTS.get(singular, ())
