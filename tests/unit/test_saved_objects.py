"""Importing saved objects: what is sent, and what is made of the answers of a server like Dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clickstream.config.settings import OpenSearchSettings
from clickstream.domain.errors import AdmissionRefused, ClickstreamError, ServiceRefused, ServiceUnavailable, UsageError
from clickstream.services.opensearch import saved_objects as saved_objects_module
from clickstream.services.opensearch.saved_objects import SavedObject, address, import_objects, page, saved_objects
from tests.certificates import certificates
from tests.dashboards import Dashboards, serving

LOGIN = "ana:s3cret:with/colon"


def settings_for(url: str, **more: str) -> OpenSearchSettings:
    return OpenSearchSettings.model_validate({"OPENSEARCH_DASHBOARDS_URL": url, **more})


def login() -> dict[str, str]:
    user, _, password = LOGIN.partition(":")
    return {"OPENSEARCH_USER": user, "OPENSEARCH_PASSWORD": password}


@dataclass
class Server:
    state: Dashboards
    url: str

    def take(self, objects: list[dict[str, Any]] | None = None, **more: str) -> list[SavedObject]:
        wanted = objects or saved_objects("clickstream-events", None)
        return import_objects(settings_for(self.url, **more), wanted)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Dashboards()
    with serving(state) as url:
        yield Server(state, url)


def test_all_objects_are_imported_into_the_global_tenant_and_again(server: Server) -> None:
    for _ in range(2):
        imported = server.take()
        assert len(imported) == 12
        assert imported[0] == SavedObject("index-pattern", "clickstream-events", "clickstream-events*")
        assert {tenant for tenant, _, _ in server.state.objects} == {"global"}
        assert len(server.state.objects) == 12


def test_user_password_and_a_base_path(server: Server) -> None:
    state = Dashboards(login=LOGIN, base="/_dashboards")
    with serving(state) as url:
        with pytest.raises(AdmissionRefused, match=r"HTTP 401.*OPENSEARCH_USER"):
            import_objects(settings_for(url), saved_objects("clickstream-events", None))
        assert not state.objects
        for given in (f"{url}/", url):
            import_objects(settings_for(given, **login()), saved_objects("clickstream-events", None))
        assert len(state.objects) == 12


def test_a_login_in_the_address_counts_and_is_never_told() -> None:
    state = Dashboards(login="ana:s3cret")
    with serving(state) as url:
        settings = settings_for(url.replace("//", "//ana:s3cret@"))
        assert len(import_objects(settings, saved_objects("clickstream-events", None))) == 12
        assert address(settings) == url
        one = SavedObject("dashboard", "clickstream-traffic-overview", "Traffic Overview")
        assert page(settings, one) == (
            f"{url}/app/dashboards?security_tenant=global#/view/clickstream-traffic-overview"
        )
        state.login = "ana:other"
        with pytest.raises(AdmissionRefused) as caught:
            import_objects(settings, saved_objects("clickstream-events", None))
        assert "s3cret" not in str(caught.value)


def test_a_reference_that_does_not_resolve_is_told(server: Server) -> None:
    with pytest.raises(ServiceRefused, match=r"visualization Key Figures: missing references .index-pattern"):
        server.take(saved_objects("clickstream-events", None)[1:])
    assert not server.state.objects


def test_errors_of_single_objects_are_told(server: Server) -> None:
    unknown = {"type": "unknown", "message": "mapping set to strict\x1b[31m", "statusCode": 400}
    server.state.refused = {"clickstream-hot-visitors": unknown}
    with pytest.raises(ServiceRefused, match=r"visualization Hot Visitors: mapping set to strict\\x1b") as caught:
        server.take()
    assert "missing" not in str(caught.value)


def test_objects_of_a_later_form_than_the_server_knows_are_told(server: Server) -> None:
    objects = saved_objects("clickstream-events", None)
    objects[1]["migrationVersion"] = {"visualization": "7.17.0"}
    with pytest.raises(ServiceRefused, match="HTTP 422: Document belongs to a more recent version"):
        server.take(objects)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((403, b'{"statusCode":403,"message":"no permissions"}'), AdmissionRefused, "HTTP 403: no permissions"),
        ((404, b"Not Found"), ServiceRefused, "does not import saved objects: HTTP 404.*OPENSEARCH_DASHBOARDS_URL"),
        ((302, b""), ServiceRefused, "does not import saved objects: HTTP 302"),
        ((413, b'{"message":"Payload content length greater"}'), ServiceRefused, "HTTP 413: Payload content length"),
        ((503, b"OpenSearch Dashboards server is not ready yet"), ServiceUnavailable, "HTTP 503"),
        ((200, b"<html>sign in</html>"), ServiceRefused, "does not import saved objects"),
        ((200, b"[]"), ServiceRefused, "does not import saved objects"),
        ((200, b'{"success":true,"successCount":11}'), ServiceRefused, "took 11 of 12 objects"),
        ((200, b'{"success":false,"successCount":0}'), ServiceRefused, "took 0 of 12 objects"),
    ],
    ids=str,
)  # fmt: skip
def test_other_answers(
    server: Server, answer: tuple[int, bytes], error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_objects_module, "PATIENCE", 0.2)
    server.state.answer = answer
    with pytest.raises(error, match=words):
        server.take()


def test_no_server_there() -> None:
    with serving(Dashboards()) as url:
        pass
    with pytest.raises(ServiceUnavailable, match=r"OpenSearch Dashboards does not answer: .*OPENSEARCH_DASHBOARDS_URL"):
        import_objects(settings_for(url), [])


def test_tls_where_there_is_none(server: Server) -> None:
    settings = settings_for(server.url.replace("http:", "https:"))
    with pytest.raises(ClickstreamError, match="asked to speak TLS and does not"):
        import_objects(settings, [])


def test_a_certificate_is_trusted_as_that_of_opensearch_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificates(tmp_path)
    objects = saved_objects("clickstream-events", None)
    state = Dashboards()
    with serving(state, made.server) as url:
        with pytest.raises(
            AdmissionRefused, match=r"OpenSearch Dashboards was issued by an authority that is not trusted"
        ):
            import_objects(settings_for(url), objects)
        assert not state.objects
        assert import_objects(settings_for(url, OPENSEARCH_VERIFY_CERTS="false"), objects)
        assert import_objects(settings_for(url, OPENSEARCH_CA_FILE=str(made.ca)), objects)
        with pytest.raises(AdmissionRefused, match=r"not trusted here .set OPENSEARCH_CA_FILE to the CA certificate"):
            import_objects(settings_for(url, OPENSEARCH_CA_FILE=str(made.other_ca)), objects)
        monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
        assert import_objects(settings_for(url), objects)
    with (
        serving(state, made.elsewhere) as url,
        pytest.raises(AdmissionRefused, match=r"is for another name .set OPENSEARCH_DASHBOARDS_URL"),
    ):
        import_objects(settings_for(url), objects)


@pytest.mark.parametrize("url", ["", "dashboards:5601", "ftp://x", "https://", "http://[::1", "https://x:port"])
def test_what_is_not_an_address_is_wrong_use(url: str) -> None:
    with pytest.raises(UsageError, match="OPENSEARCH_DASHBOARDS_URL is not a web address"):
        import_objects(settings_for(url), [])


def test_the_stand_in_is_as_strict_as_the_real_one(server: Server) -> None:
    objects = saved_objects("clickstream-events", None)
    body = json.dumps(objects[0]).encode()
    plain = {"content-type": "multipart/form-data; boundary=b", "osd-xsrf": "true"}

    def post(headers: dict[str, str], name: str = "a.ndjson", query: str = "") -> tuple[int, Any]:
        part = b'--b\r\ncontent-disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n\r\n'
        data = part + body + b"\r\n--b--\r\n"
        status, answer = server.state.post(f"/api/saved_objects/_import{query}", headers, data)
        return status, json.loads(answer)

    assert post({})[0] == 400
    assert post({**plain, "content-type": "application/json"})[0] == 415
    assert post(plain, "a.json")[0] == 400
    assert post(plain) == (200, {"success": True, "successCount": 1})
    assert post(plain)[1]["errors"][0]["error"] == {"type": "conflict"}
    assert post(plain, query="?overwrite=true") == (200, {"success": True, "successCount": 1})
