//! Messages of Protocol Buffers as JSON: by field numbers where they are known,
//! otherwise as a tree of numbers.

mod gemini;
mod room;
mod rpc;
mod schema;
mod services;
mod tree;
mod vertex;
mod wire;

pub(crate) use rpc::STATUS;
pub(crate) use services::method;
pub(crate) use tree::is_message;

use room::Room;
use schema::Message;

/// How messages are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// As messages of this type.
    As(&'static Message),
    /// Nothing is known of their type: as a tree.
    Tree,
    /// The method was not seen: as a request of the first service that can
    /// only be meant, otherwise as a tree.
    AnyRequest,
    /// The same for responses; `asked`: to a request that was told so.
    AnyResponse { asked: bool },
}

/// A message as JSON.
#[derive(Debug)]
pub(crate) struct Read {
    /// One JSON object.
    pub(crate) json: String,
    /// What is not as it should be.
    pub(crate) problem: Option<&'static str>,
}

impl Reading {
    /// Reads a message. Bounded in depth and in the number of values; what is
    /// beyond is left out, and said.
    pub(crate) fn read(self, bytes: &[u8]) -> Read {
        let mut room = Room::default();
        let object = match self {
            Reading::As(message) => message.read(bytes, &mut room),
            Reading::Tree => tree::message(bytes, &mut room),
            Reading::AnyRequest => {
                services::guess_request(bytes).unwrap_or_else(|| tree::message(bytes, &mut room))
            }
            Reading::AnyResponse { asked } => services::guess_response(bytes, asked)
                .unwrap_or_else(|| tree::message(bytes, &mut room)),
        };
        Read { json: serde_json::Value::Object(object).to_string(), problem: room.problem() }
    }
}

#[cfg(test)]
mod tests;
