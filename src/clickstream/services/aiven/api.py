"""Asks Aiven for a project's services, with one request. Changes nothing there.

The token goes to Aiven's host alone: redirects are not followed, and no error repeats it.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import quote

import msgspec
import truststore

from clickstream.domain.errors import AdmissionRefused, ServiceRefused, ServiceUnavailable
from clickstream.domain.escapes import brief

SERVICE: Final = "Aiven's API"

BASE_URL: Final = "https://api.aiven.io"

_LONGEST_ANSWER: Final = 20_000_000
"""Bytes; a service takes some ten thousand."""

_LONGEST_WORD: Final = 100
"""Characters of a state or a name that are kept."""


@dataclass(frozen=True, slots=True)
class AivenService:
    """One service of the project."""

    name: str
    kind: str
    """`kafka`, `pg`, `valkey`, `opensearch`, ..."""
    state: str
    """`RUNNING`, `REBUILDING`, `REBALANCING`, `POWEROFF`."""
    plan: str
    hosts: frozenset[str]
    """All that it answers under, by whichever network."""


class _Address(msgspec.Struct):
    host: str | None = None


class _Service(msgspec.Struct):
    service_name: str
    service_type: str
    state: str
    plan: str = ""
    service_uri_params: _Address | None = None
    components: list[_Address] | None = None


class _Services(msgspec.Struct):
    services: list[_Service]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """urllib would repeat the token to wherever it is sent."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def list_services(token: str, project: str, *, timeout: float, base_url: str | None = None) -> tuple[AivenService, ...]:
    """The project's services, as they stand.

    Args:
        token: of a user who may see the project.
        project: its name.
        timeout: seconds that the connection, and each part of the answer, may take.
        base_url: where the API is; None: BASE_URL.

    Raises:
        AdmissionRefused: the token is not taken.
        ServiceRefused: there is no such project, or the answer is none that we understand.
        ServiceUnavailable: no answer.
    """
    url = f"{base_url or BASE_URL}/v1/project/{quote(project, safe='')}/service"
    try:
        request = urllib.request.Request(url, headers={"authorization": f"aivenv1 {token}"})  # noqa: S310 (our URL)
        with _opener().open(request, timeout=timeout) as answer:
            found = msgspec.json.decode(answer.read(_LONGEST_ANSWER), type=_Services)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(error.code, project) from None
    except msgspec.MsgspecError:
        raise ServiceRefused(f"{SERVICE} gave an answer that is not a list of services") from None
    except ValueError:  # its text may hold the token
        raise AdmissionRefused("AIVEN_API_TOKEN holds characters that no token has") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ServiceUnavailable(SERVICE, str(reason) or type(reason).__name__) from None
    return tuple(_service(one) for one in found.services)


def _opener() -> urllib.request.OpenerDirector:
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))


def _refused(code: int, project: str) -> ServiceRefused | ServiceUnavailable:
    if code in {401, 403}:
        return AdmissionRefused(f"{SERVICE} does not take the token ({code})", hint="check AIVEN_API_TOKEN")
    if code == 404:
        return ServiceRefused(f"{SERVICE} knows no project {project}", hint="check AIVEN_PROJECT_NAME")
    if code >= 500 or code == 429:
        return ServiceUnavailable(SERVICE, f"HTTP {code}")
    return ServiceRefused(f"{SERVICE} answered HTTP {code}")


def _service(one: _Service) -> AivenService:
    addresses = [one.service_uri_params, *(one.components or ())]
    return AivenService(
        name=brief(one.service_name, _LONGEST_WORD),
        kind=one.service_type,
        state=brief(one.state, _LONGEST_WORD),
        plan=brief(one.plan, _LONGEST_WORD),
        hosts=frozenset(address.host.lower() for address in addresses if address and address.host),
    )
