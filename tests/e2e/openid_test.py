#!/usr/bin/env python3
"""The endpoints of OpenID Connect, word by word, where everything is one process and where the issuer is a process of its own."""
import base64
import hashlib
import http.client
import json
import secrets
import sys
import tempfile
import urllib.parse

from server import PASSWORD, Report, Server, expect
from split_test import Division, apart

ISSUER = "https://consult.example"
BACK = "https://portal.example/back"
SECRET = "a secret of: the portal"
SETTINGS = {"CONSILIUM_SESSIONS_ISSUER": ISSUER, "CONSILIUM_SESSIONS_CLIENTS_PORTAL_REDIRECT__URIS": BACK,
            "CONSILIUM_SESSIONS_CLIENTS_PORTAL_SECRET__SHA256": hashlib.sha256(SECRET.encode()).hexdigest(), "CONSILIUM_LIMITS_LOGINS__PER__MINUTE": "1000"}


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """What a browser keeps and follows, by hand: redirections are looked at, not followed."""

    def __init__(self, address):
        self.address, self.cookie = address, None

    def ask(self, method, target, form=None, headers=None):
        headers = dict(headers or {})
        if self.cookie:
            headers["Cookie"] = self.cookie
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request(method, target, None if form is None else urllib.parse.urlencode(form), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def log_in(self, username):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request("POST", "/api/v1/sessions", json.dumps({"username": username, "password": PASSWORD}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        expect(answer.status == 201, f"login: {answer.status}")
        self.cookie = answer.getheader("Set-Cookie").split(";")[0]

    def authorize(self, verifier, **changes):
        """Where the browser is sent, and the members of its query."""
        asked = {"response_type": "code", "client_id": "portal", "redirect_uri": BACK, "scope": "openid email", "state": "s & t", "nonce": "n", "code_challenge_method": "S256",
                 "code_challenge": unpadded(hashlib.sha256(verifier.encode()).digest()), **changes}
        answer, body = self.ask("GET", "/oauth2/authorize?" + urllib.parse.urlencode(asked))
        expect(answer.status == 303, f"authorize: {answer.status} {body[:200]!r}")
        place = urllib.parse.urlsplit(answer.getheader("Location"))
        return f"{place.scheme}://{place.netloc}{place.path}" if place.netloc else place.path, dict(urllib.parse.parse_qsl(place.query))


def tokens(address, **form):
    credentials = base64.b64encode(f"portal:{urllib.parse.quote_plus(SECRET)}".encode()).decode()
    answer, body = Browser(address).ask("POST", "/oauth2/token", form, {"Authorization": "Basic " + credentials})
    expect(answer.getheader("Cache-Control") == "no-store", "tokens must not be kept")
    return answer.status, json.loads(body)


def user_info(address, token):
    answer, body = Browser(address).ask("GET", "/oauth2/userinfo", headers={"Authorization": "Bearer " + token})
    return answer.status, json.loads(body)


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def whole_way(address):
    browser, verifier = Browser(address), secrets.token_urlsafe(48)
    place, query = browser.authorize(verifier)
    expect(place == "/login", f"nobody is logged in, but the way leads to {place}")
    browser.log_in("clara")
    answer, _ = browser.ask("GET", query["next"])
    place, query = answer.getheader("Location").split("?")
    query = dict(urllib.parse.parse_qsl(query))
    expect(place == BACK and query["state"] == "s & t" and query["iss"] == ISSUER, f"{place} {query}")
    exchange = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": BACK, "code_verifier": verifier}
    status, given = tokens(address, **exchange)
    expect(status == 200 and given["token_type"] == "Bearer", f"{status} {given}")
    identity = claims_of(given["id_token"])
    expect(identity["iss"] == ISSUER and identity["aud"] == "portal" and identity["nonce"] == "n", f"{identity}")
    status, known = user_info(address, given["access_token"])
    expect(status == 200 and known["sub"] == identity["sub"] and "@" in known["email"] and "name" not in known, f"{status} {known}")
    status, renewed = tokens(address, grant_type="refresh_token", refresh_token=given["refresh_token"])
    expect(status == 200 and user_info(address, renewed["access_token"])[0] == 200, f"{status} {renewed}")
    status, refused = tokens(address, **exchange)
    expect((status, refused["error"]) == (400, "invalid_grant"), f"a code twice: {status} {refused}")
    expect(user_info(address, renewed["access_token"])[0] == 401, "what a code gave that came twice is over")
    return browser


def refusals(address, browser):
    def refused(form, verifier="v" * 43, **changes):
        _, query = browser.authorize("v" * 43)
        return tokens(address, **{"grant_type": "authorization_code", "code": query["code"], "redirect_uri": BACK, "code_verifier": verifier, **changes, **form})

    for what, form in (("another verifier", {"code_verifier": "w" * 43}), ("another address", {"redirect_uri": BACK + "/"}), ("a forged code", {"code": "x" * 43})):
        status, body = refused(form)
        expect((status, body["error"]) == (400, "invalid_grant"), f"{what}: {status} {body}")
    for what, form, error in (("no verifier", {"code_verifier": ""}, "invalid_request"), ("another grant", {"grant_type": "password"}, "unsupported_grant_type"),
                              ("two clients", {"client_id": "page"}, "invalid_request")):
        status, body = refused(form)
        expect((status, body["error"]) == (400, error), f"{what}: {status} {body}")
    for changes, error in (({"response_type": "token"}, "unsupported_response_type"), ({"code_challenge_method": "plain"}, "invalid_request"), ({"scope": "email"}, "invalid_scope"),
                           ({"prompt": "none login"}, "invalid_request")):
        place, query = browser.authorize("v" * 43, **changes)
        expect(place == BACK and query["error"] == error and query["state"] == "s & t", f"{changes}: {place} {query}")
    place, query = Browser(address).authorize("v" * 43, prompt="none")
    expect(place == BACK and query["error"] == "login_required", f"{place} {query}")
    for target in (f"client_id=portal&redirect_uri={urllib.parse.quote('https://evil.example')}", f"client_id=nobody&redirect_uri={BACK}", "x=%ZZ", "&".join("a=1" for _ in range(200))):
        answer, _ = browser.ask("GET", "/oauth2/authorize?" + target)
        expect(answer.status in (400, 422) and answer.getheader("Location") is None, f"{target}: {answer.status} {answer.getheader('Location')}")
    answer, body = browser.ask("POST", "/oauth2/token", {"grant_type": "refresh_token"}, {"Authorization": "Basic " + base64.b64encode(b"portal:guess").decode()})
    expect((answer.status, json.loads(body)["error"]) == (401, "invalid_client"), f"{answer.status} {body}")


def documents(address):
    answer, body = Browser(address).ask("GET", "/.well-known/openid-configuration")
    document = json.loads(body)
    expect(answer.status == 200 and document["issuer"] == ISSUER, f"{answer.status} {body}")
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        path = document[name].removeprefix(ISSUER)
        status = Browser(address).ask("PATCH", path)[0].status
        expect(status == 405, f"{name} leads to {path}, which answers {status}")


def everything(address):
    documents(address)
    refusals(address, whole_way(address))


def one_process():
    with tempfile.TemporaryDirectory(prefix="openid-") as folder, Server(folder, **SETTINGS).start() as server:
        everything(server.address)
        expect(server.end() == 0 and '"level":"error"' not in server.log(), "bad input is no error of ours")


def issuer_apart():
    with tempfile.TemporaryDirectory(prefix="openid-") as folder, Division(folder, apart("sessions"), **SETTINGS) as division:
        everything(division.edge.address)
        expect(division.end() == [0, 0], "both end well")


if __name__ == "__main__":
    report = Report()
    report.check("one process", one_process)
    report.check("the issuer apart", issuer_apart)
    sys.exit(1 if report.failed else 0)
