"""A model with weights behind an OpenAI-compatible server. Made for vLLM; what other servers refuse is left out."""

import asyncio
import re
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from agent.chat.endpoint import Endpoint
from agent.chat.request import OPTIONAL, Manner, parameters
from agent.chat.wire import pictures, read_answer, wire_messages
from agent.prompt import Assistant, Message, harder, styled
from agent.trace import Completion
from env.settle import pause
from tools.errors import ModelError

WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further try of a server that is down, busy or broken."""
_LONGEST_WAIT = 60.0
_SHOWN = 400
_PASSING = {408, 409, 425, 429}
_TOO_MUCH = re.compile(r"^413|context.(length|window|size)|too (long|many)|at most \d+ image", re.IGNORECASE)
_NO_SUCH_PICTURE = "Cache miss"


class _Passing(Exception):
    """A failure that may be over at the next try, `after` so many seconds where the server said."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class _Refused(Exception):
    """The server does not take this request as it is."""


class VllmModel:
    """Asks one model, for one run. `patience` is the seconds that one answer may take."""

    def __init__(
        self, endpoint: Endpoint, manner: Manner, *, patience: float = 300.0, waits: Sequence[float] = WAITS
    ) -> None:
        self.name = endpoint.model
        self._endpoint, self._manner, self._patience, self._waits = endpoint, manner, patience, waits
        self._style = manner.style
        self._dropped: set[str] = set()
        self._known: set[str] = set()  # names of pictures that the server has seen
        key = endpoint.key.get_secret_value() if endpoint.key else ""
        self._secret = key
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.url, api_key=key or "none", max_retries=0, timeout=patience,
            http_client=openai.DefaultAsyncHttpxClient(trust_env=not endpoint.local),
        )  # fmt: skip

    @property
    def about(self) -> dict[str, Any]:
        """Address, parameters as they are sent, and what this server refused."""
        sent = self._parameters(0, strict=False)
        form, tools = sent.pop("structured_outputs", None), sent.pop("tools", ())
        return sent | {
            "address": self._endpoint.url,
            "server": f"vLLM {self._endpoint.vllm}" if self._endpoint.vllm else "unknown",
            "kind": self._manner.kind,
            "tools": [tool["function"]["name"] for tool in tools],
            "form of answers": "held to by the server" if form else "free",
            "history": self._style.history,
            "boxes": self._style.boxes,
            "image_max": self._style.image_max,
            "image_tokens": self._manner.image_tokens,
            "refused": sorted(self._dropped),
        }

    async def decide(self, messages: Sequence[Message]) -> Completion:
        """One reply. Raises ModelError: the server is down, too slow, refuses or talks nonsense, after every retry."""
        return await self._ask(messages, strict=False)

    async def mend(self, messages: Sequence[Message]) -> Completion:
        """One reply without a thought, at temperature 0 and in the form of an answer. Raises ModelError."""
        return await self._ask(messages, strict=True)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _ask(self, told: Sequence[Message], *, strict: bool) -> Completion:
        """Sends it as this server takes it; what it refuses once is never sent again."""
        folded = False
        while True:
            body = await asyncio.to_thread(self._body, told, strict)
            try:
                completion = await self._answered(body)
            except _Refused as refusal:
                why = str(refusal)
                if _NO_SUCH_PICTURE in why and self._known:
                    self._known.clear()
                elif _TOO_MUCH.search(why) and not folded:
                    self._style, folded = harder(self._style, told), True
                elif named := self._named(why):
                    self._dropped |= named
                else:
                    raise ModelError(f"the model server refuses the request: {why}") from None
            else:
                self._known.update(pictures(body["messages"]) if self._endpoint.vllm else ())
                return completion

    def _named(self, why: str) -> set[str]:
        """The fields that a refusal names, of those that can be left out."""
        words = set(re.findall(r"\w+", why))
        return {field for field in OPTIONAL if field in words} - self._dropped

    def _parameters(self, turn: int, *, strict: bool) -> dict[str, Any]:
        return parameters(self._manner, turn, strict=strict, dropped=self._dropped, vllm=bool(self._endpoint.vllm))

    def _body(self, told: Sequence[Message], strict: bool) -> dict[str, Any]:
        vllm, turn = bool(self._endpoint.vllm), sum(isinstance(message, Assistant) for message in told)
        wired = wire_messages(
            styled(told, self._style), image_tokens=self._manner.image_tokens, calls=self._style.history == "tool",
            uuids=vllm and "uuid" not in self._dropped, known=self._known, reasoning="reasoning" not in self._dropped,
        )  # fmt: skip
        return {"model": self._endpoint.model, "messages": wired} | self._parameters(turn, strict=strict)

    async def _answered(self, body: dict[str, Any]) -> Completion:
        """Tries it until there is an answer, or no wait is left, or twice the patience is over: slow is slow."""
        began = time.monotonic()
        for tries, wait in enumerate((*self._waits, None), start=1):
            try:
                return await self._once(body)
            except _Passing as fault:
                if wait is None or time.monotonic() - began > 2 * self._patience:
                    raise ModelError(f"the model server gives no answer, after {tries} tries: {fault}") from None
                await pause(min(max(wait, fault.after), _LONGEST_WAIT))
        raise AssertionError("unreachable")

    async def _once(self, body: dict[str, Any]) -> Completion:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._client.chat.completions.with_raw_response.create(
                    model=body["model"], messages=body["messages"], extra_body=body
                )
            return read_answer(answer.text, round(time.monotonic() - began, 4))
        except (TimeoutError, openai.APITimeoutError):
            raise _Passing(f"none came within {self._patience:g} s") from None
        except openai.APIConnectionError as error:
            raise _Passing(self._shown(str(error.__cause__ or error) or type(error.__cause__).__name__)) from None
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except ValueError as error:
            raise _Passing(f"what came is no answer of a model: {self._shown(str(error))}") from None

    def _status(self, error: openai.APIStatusError) -> Exception:
        code, why = error.status_code, f"{error.status_code}: {self._shown(error.message)}"
        if code in _PASSING or code >= 500:
            return _Passing(why, _retry_after(error))
        if code in (400, 413, 422):
            return _Refused(why)
        remedy = "; is SUREHAND_API_KEY the right key?" if code in (401, 403) else ""
        return ModelError(f"the model server refuses: {why}{remedy}")

    def _shown(self, text: str) -> str:
        """A server's words on one line, without our key if it should repeat it."""
        line = " ".join(text.split())
        return (line.replace(self._secret, "…") if self._secret else line)[:_SHOWN]


def _retry_after(error: openai.APIStatusError) -> float:
    """Seconds that the server asked to wait: a number, or a date. 0 where it did not."""
    said = error.response.headers.get("retry-after", "")
    try:
        return float(said)
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
