"""A server that imports saved objects as OpenSearch Dashboards 3 does; and what Dashboards asks for each picture."""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.certificates import Pair

MIGRATIONS = {"index-pattern": (7, 6, 0), "visualization": (7, 10, 0), "dashboard": (7, 9, 3), "search": (7, 9, 3)}
"""The types that can be imported, and the newest form of each that it knows."""

CHECKED_REFERENCES = {"index-pattern", "search"}

Json = dict[str, Any]


class Dashboards:
    """What it holds, how it wants to be asked, and what it was asked."""

    def __init__(self, *, login: str = "", base: str = "", tenants: bool = True) -> None:
        self.login = login
        """`user:password`; empty: it asks no user for a name."""
        self.base = base
        self.tenants = tenants
        self.objects: dict[tuple[str, str, str], Json] = {}
        """By tenant, type and id."""
        self.answer: tuple[int, bytes] | None = None
        """Is answered whatever comes."""
        self.refused: dict[str, Json] = {}
        """Errors of single objects, by id."""

    def post(self, path: str, headers: Any, body: bytes) -> tuple[int, bytes]:
        if self.answer:
            return self.answer
        status, found = self._post(urlsplit(path), headers, body)
        return status, json.dumps(found).encode()

    def _post(self, url: Any, headers: Any, body: bytes) -> tuple[int, Json]:
        if self.login and headers.get("authorization") != f"Basic {b64encode(self.login.encode()).decode()}":
            return error(401, "Unauthorized", "Authentication required")
        if url.path != f"{self.base}/api/saved_objects/_import":
            return error(404, "Not Found", "Not Found")
        if "osd-xsrf" not in headers:
            return error(400, "Bad Request", "Request must contain the osd-xsrf header.")
        if not headers.get("content-type", "").startswith("multipart/form-data"):
            return error(415, "Unsupported Media Type", "Unsupported Media Type")
        part = message_from_bytes(b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n" + body)
        [file] = [one for one in part.get_payload() if one.get_param("name", header="content-disposition") == "file"]
        if not str(file.get_filename()).endswith(".ndjson"):
            return error(400, "Bad Request", "Invalid file extension ")
        objects = [json.loads(line) for line in file.get_payload(decode=True).splitlines() if line.strip()]
        tenant = headers.get("securitytenant", "private") if self.tenants else ""
        return self._take(objects, tenant, overwrite=parse_qs(url.query).get("overwrite") == ["true"])

    def _take(self, objects: list[Json], tenant: str, *, overwrite: bool) -> tuple[int, Json]:
        keys = [(tenant, one["type"], one["id"]) for one in objects]
        if several := [key[1:] for key, count in Counter(keys).items() if count > 1]:
            return error(400, "Bad Request", f"Non-unique import objects detected: {several}")
        there = {*self.objects, *keys}
        errors, taken = [], {}
        for key, one in zip(keys, objects, strict=True):
            if version := newer_than_known(one):
                return error(422, "Unprocessable Entity", f"Document belongs to a more recent version: {version}")
            fault = self.refused.get(one["id"]) or fault_of(one, tenant, there)
            if fault is None and key in self.objects and not overwrite:
                fault = {"type": "conflict"}
            if fault:
                title = one["attributes"]["title"]
                told = {"id": one["id"], "type": one["type"], "title": title, "meta": {"title": title}, "error": fault}
                errors.append(told)
            else:
                taken[key] = one
        if not errors:  # else nothing is made at all
            self.objects |= taken
        answer: Json = {"success": not errors, "successCount": len(taken)}
        return 200, answer | ({"errors": errors} if errors else {})


def fault_of(one: Json, tenant: str, there: set[tuple[str, str, str]]) -> Json | None:
    if one["type"] not in MIGRATIONS:
        return {"type": "unsupported_type"}
    references = [(ref["type"], ref["id"]) for ref in one.get("references", ())]
    missing = [
        {"type": type_, "id": id_}
        for type_, id_ in references
        if type_ in CHECKED_REFERENCES and (tenant, type_, id_) not in there
    ]
    return {"type": "missing_references", "references": missing} if missing else None


def newer_than_known(one: Json) -> str:
    known = MIGRATIONS.get(one["type"])
    version = one.get("migrationVersion", {}).get(one["type"], "0.0.0")
    return version if known and tuple(map(int, version.split("."))) > known else ""


def error(status: int, name: str, message: str) -> tuple[int, Json]:
    return status, {"statusCode": status, "error": name, "message": message}


@contextmanager
def serving(state: Dashboards, tls: Pair | None = None) -> Iterator[str]:
    """The address of a server that is this; it speaks TLS where it has a certificate."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, answer = state.post(self.path, self.headers, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(answer)))
            if status == 302:
                self.send_header("location", "/app/login")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls.cert, tls.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that hang up are what is tested
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}{state.base}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def request_of(visualization: Json, pattern: str, span: tuple[str, str]) -> tuple[str, Json]:
    """The index and the body that Dashboards searches with for this visualization, over this time."""
    state = json.loads(visualization["attributes"]["visState"])
    source = json.loads(visualization["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    filters = [{"range": {"event_time": {"gte": span[0], "lte": span[1], "format": "strict_date_optional_time"}}}]
    filters.append(query_of(source["query"]))
    if state["type"] == "vega":
        url = json.loads(state["params"]["spec"])["data"]["url"]
        assert url["%context%"] is True
        assert url["%timefield%"] == "event_time"
        assert "query" not in url["body"], "the context takes the query's place"
        return url["index"], {**url["body"], "query": {"bool": {"filter": filters}}}
    return pattern, {"size": 0, "query": {"bool": {"filter": filters}}, "aggs": aggregations(state["aggs"])}


def aggregations(aggs: list[Json]) -> Json:
    """Metrics inside the last bucket aggregation, which is inside the one before."""
    metrics = {one["id"]: one for one in aggs if one["schema"] == "metric"}
    inner = {
        id_: {one["type"]: {"field": one["params"]["field"]}} for id_, one in metrics.items() if one["type"] != "count"
    }
    for one in reversed([one for one in aggs if one["schema"] != "metric"]):
        ordering = metrics.get(one["params"].get("orderBy", ""))
        made = {one["type"]: PARAMETERS[one["type"]](one["params"], ordering)}
        ordered_by = (
            ordering
            and ordering["type"] != "count"
            and {ordering["id"]: {ordering["type"]: {"field": ordering["params"]["field"]}}}
        )
        below = {**inner, **(ordered_by or {})}
        inner = {one["id"]: {**made, **({"aggs": below} if below else {})}}
    return inner


def terms(params: Json, ordering: Json | None) -> Json:
    by = "_count" if ordering is None or ordering["type"] == "count" else ordering["id"]
    return {"field": params["field"], "size": params["size"], "order": {by: params["order"]}}


def date_histogram(params: Json, _: Json | None) -> Json:
    assert params["interval"] == "auto"
    histogram = {"field": params["field"], "fixed_interval": "12h", "time_zone": "Europe/Berlin"}
    return histogram | {"min_doc_count": params["min_doc_count"]}


def filters(params: Json, _: Json | None) -> Json:
    return {"filters": {one["label"]: query_of(one["input"]) for one in params["filters"]}}


PARAMETERS = {"terms": terms, "date_histogram": date_histogram, "filters": filters}


def query_of(query: Json) -> Json:
    """Of a query in Dashboards' own language, so far as it is `field:value`."""
    assert query["language"] == "kuery"
    if not query["query"]:
        return {"match_all": {}}
    field, _, value = query["query"].partition(":")
    assert field.isidentifier()
    assert value.isidentifier()
    return {"bool": {"should": [{"match": {field: value}}], "minimum_should_match": 1}}
