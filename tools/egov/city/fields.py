"""Field types shared by all kinds: slugs, dates, addresses, references, with checks a person understands.

A validator raises `Refused` with its code; the loader puts the position and the file in front.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from egov.city.codes import Code

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
DOMAIN = rf"{SLUG}(?:\.{SLUG})+"

Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG}$", max_length=63)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Domain = Annotated[str, StringConstraints(pattern=f"^{DOMAIN}$", max_length=200)]
_NUMBER = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
PORT = rf"{_NUMBER}/(?:tcp|udp)"
SERVICE = rf"(?:ping|{_NUMBER}(?:-{_NUMBER})?/(?:tcp|udp))"
Port = Annotated[str, StringConstraints(pattern=f"^{PORT}$")]
Units = Annotated[int, Field(ge=1, le=60)]
Money = Annotated[int, Field(ge=0, description="Yuan (CNY)")]
COUNT_ONLY = "涉密系统只在部门的 classified.systems 中计数, 请删除此条"
# Pattern → what a person is told of it; the pattern itself where nothing is said here.
FORMS = {
    f"^{SLUG}$": ("lower-case letters and digits, with single hyphens between them", "应为小写字母、数字和连字符"),
    f"^{DOMAIN}$": ("a domain in lower case as gov.example", "应为小写域名, 如 gov.example"),
    f"^{PORT}$": ("a port and its protocol as 443/tcp, at most 65535", "应为端口/协议, 如 443/tcp"),
    f"^{SERVICE}$": (
        "a port or range and its protocol as 443/tcp or 8000-8010/tcp, at most 65535; or ping",
        "应为端口/协议, 如 443/tcp、8000-8010/tcp, 或 ping",
    ),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a text field as the id of an object of another kind (`kind` is the plural key)."""

    kind: str


def refuse(code: Code, message: str, hint: str) -> PydanticCustomError:
    """Return the error a validator raises so that the loader prints *code*, *message* and the Chinese *hint*."""
    return PydanticCustomError(code.name, "{message}", {"message": message, "hint": hint})


def _iso_day(value: Any) -> date:  # noqa: ANN401 - whatever the file holds
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise refuse(Code.E206, f"no such day: {value} ({error})", "日期不存在") from None
    raise refuse(Code.E206, f"expected a date as 2018-12-31, got {value!r}", "日期应写作 2018-12-31")


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        raise refuse(Code.E206, f"no time zone {value!r}; expected one as Asia/Shanghai", "没有此时区") from None
    return value


def uscc_check_character(first_17: str) -> str:
    """Return the 18th character of a unified social credit code (GB 32100-2015, 5.5: weights 3^(i-1) mod 31)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(character) * pow(3, i, 31) for i, character in enumerate(first_17))
    return alphabet[(31 - total % 31) % 31]


def _credit_code(value: Any) -> str:  # noqa: ANN401
    hint = "统一社会信用代码为18位 (GB 32100-2015)"
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-HJ-NP-RTUWXY]{18}", value):
        raise refuse(Code.E206, f"expected the 18 characters of a unified social credit code, got {value!r}", hint)
    expected = uscc_check_character(value[:17])
    if value[17] != expected:
        message = f"{value} ends in {value[17]}; its first 17 characters call for {expected}"
        raise refuse(Code.E308, message, "统一社会信用代码校验位不符")
    return value


@lru_cache(maxsize=65536)
def parsed_address(text: str) -> IPv4Address | IPv6Address:
    """Return the parsed address; ValueError if it is none. Cached: the rules ask for the same text often."""
    return ip_address(text)


@lru_cache(maxsize=16384)
def parsed_network(text: str) -> IPv4Network | IPv6Network:
    """Return the parsed prefix; ValueError if it is none or has host bits set."""
    return ip_network(text)


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")


def _address(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str) and _IPV4.fullmatch(value):  # nearly all; parsing them is a third of a warm load
        return value
    try:
        return str(parsed_address(value)) if isinstance(value, str) else _no_address(value)
    except ValueError:
        return _no_address(value)


def _no_address(value: Any) -> str:  # noqa: ANN401
    raise refuse(Code.E206, f"expected an address without mask, got {value!r}", "应为不带掩码的 IP 地址")


def _prefix(value: Any) -> str:  # noqa: ANN401
    reason = "not a prefix"
    if isinstance(value, str) and "/" in value:
        try:
            return str(parsed_network(value))
        except ValueError as error:
            reason = "host bits set" if "host bits" in str(error) else reason
    raise refuse(Code.E206, f"expected a prefix as 10.0.0.0/24, got {value!r}: {reason}", "应为网段")


_DATE_SCHEMA = WithJsonSchema({"type": "string", "format": "date"})
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Day = Annotated[date, BeforeValidator(_iso_day), _DATE_SCHEMA]
CreditCode = Annotated[str, BeforeValidator(_credit_code)]
Address = Annotated[str, BeforeValidator(_address)]
Network = Annotated[str, BeforeValidator(_prefix)]


def _not_classified(value: Any) -> Any:  # noqa: ANN401 - what else it may be is the field's question
    if value is True:
        message = "a classified system is counted at its department, never described"
        raise refuse(Code.E307, message, COUNT_ONLY)
    return value


NotClassified = Annotated[Literal[False], BeforeValidator(_not_classified)]


class Part(BaseModel):
    """A value object inside a described thing: strict, frozen, no unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Item(Part):
    """A described thing. `source` and `declared_on` say which document declared it, and when."""

    id: Slug
    source: Text | None = Field(default=None, description="Document, form or person that declared this (依据)")
    declared_on: Day | None = Field(default=None, description="Day of that document (申报日期)")
