//! Methods of services whose messages are known.

use serde_json::{Map, Value};

use super::room::Room;
use super::schema::Message;
use super::{gemini, vertex};

/// A method whose messages are known.
#[derive(Debug)]
pub(crate) struct Method {
    package: &'static str,
    /// Service and method.
    name: &'static str,
    /// What the method is called at the end of a path of the REST API.
    verb: &'static str,
    /// Of the request.
    pub(crate) request: &'static Message,
    /// Of the response, or of each of its messages.
    pub(crate) response: &'static Message,
}

const GEMINI: &str = "google.ai.generativelanguage";
const VERTEX: &str = "google.cloud.aiplatform";

static METHODS: &[Method] = &[
    Method {
        package: GEMINI,
        name: "GenerativeService/GenerateContent",
        verb: "generateContent",
        request: &gemini::GENERATE_REQUEST,
        response: &gemini::GENERATE_RESPONSE,
    },
    Method {
        package: GEMINI,
        name: "GenerativeService/StreamGenerateContent",
        verb: "streamGenerateContent",
        request: &gemini::GENERATE_REQUEST,
        response: &gemini::GENERATE_RESPONSE,
    },
    Method {
        package: GEMINI,
        name: "GenerativeService/CountTokens",
        verb: "countTokens",
        request: &gemini::COUNT_REQUEST,
        response: &gemini::COUNT_RESPONSE,
    },
    Method {
        package: GEMINI,
        name: "GenerativeService/EmbedContent",
        verb: "embedContent",
        request: &gemini::EMBED_REQUEST,
        response: &gemini::EMBED_RESPONSE,
    },
    Method {
        package: GEMINI,
        name: "GenerativeService/BatchEmbedContents",
        verb: "batchEmbedContents",
        request: &gemini::EMBED_REQUESTS,
        response: &gemini::EMBED_RESPONSES,
    },
    Method {
        package: VERTEX,
        name: "PredictionService/GenerateContent",
        verb: "generateContent",
        request: &vertex::GENERATE_REQUEST,
        response: &vertex::GENERATE_RESPONSE,
    },
    Method {
        package: VERTEX,
        name: "PredictionService/StreamGenerateContent",
        verb: "streamGenerateContent",
        request: &vertex::GENERATE_REQUEST,
        response: &vertex::GENERATE_RESPONSE,
    },
];

/// The method that a path of gRPC (`/package.vN.Service/Method`) names, and its
/// version.
pub(crate) fn method(path: &str) -> Option<(&'static Method, &str)> {
    METHODS.iter().find_map(|method| {
        let rest = path.strip_prefix('/')?.strip_prefix(method.package)?.strip_prefix('.')?;
        let version = rest.strip_suffix(method.name)?.strip_suffix('.')?;
        let is_version = version.starts_with('v') && !version.contains(['.', '/']);
        is_version.then_some((method, version))
    })
}

impl Method {
    /// The path under which the REST API has the method, by the `google.api.http`
    /// annotations of the services.
    pub(crate) fn rest_path(&self, version: &str, model: &str) -> String {
        let model = if model.is_empty() { "models/-" } else { model };
        format!("/{version}/{model}:{}", self.verb)
    }
}

/// A request read as the one type that it can only be of.
pub(super) fn guess_request(bytes: &[u8]) -> Option<Map<String, Value>> {
    guess(bytes, &[&gemini::GENERATE_REQUEST, &vertex::GENERATE_REQUEST], |object| {
        let model = object.get("model").and_then(Value::as_str).unwrap_or_default();
        let named = ["models/", "tunedModels/", "projects/"];
        named.iter().any(|kind| model.starts_with(kind))
            && object.get("contents").is_some_and(Value::is_array)
    })
}

/// A response read so. `asked`: to a request of one of these types.
pub(super) fn guess_response(bytes: &[u8], asked: bool) -> Option<Map<String, Value>> {
    let mut types: Vec<&Message> = vec![&gemini::GENERATE_RESPONSE, &vertex::GENERATE_RESPONSE];
    if asked {
        types.push(&gemini::COUNT_RESPONSE);
    }
    guess(bytes, &types, |object| {
        let first = object.get("candidates").and_then(|candidates| candidates.get(0));
        let role = first.and_then(|first| first.pointer("/content/role"));
        role.and_then(Value::as_str) == Some("model") || (asked && !object.is_empty())
    })
}

fn guess(
    bytes: &[u8],
    types: &[&Message],
    fits: impl Fn(&Map<String, Value>) -> bool,
) -> Option<Map<String, Value>> {
    types.iter().find_map(|message| {
        let mut room = Room::default();
        let object = message.read(bytes, &mut room);
        let clean = !room.strange && room.problem().is_none();
        (clean && fits(&object)).then_some(object)
    })
}
