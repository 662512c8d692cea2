//! A WebSocket (RFC 6455), opened well.

use llmtop_parsers::Direction::{Received, Sent};

use crate::script::{Script, Step};

const PATHS: [&str; 4] = [
    "/v1/responses",
    "/v1/realtime?model=gpt-realtime",
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k",
    "/chat",
];

const EXTENSIONS: [&str; 4] = [
    "",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
     client_no_context_takeover\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n",
];

/// What happens once it is open. The first byte of `data` chooses what is
/// agreed on, the rest is a script.
pub fn opened(data: &[u8]) -> Script {
    let (choice, rest) = data.split_first().unwrap_or((&0, &[]));
    let path = PATHS[usize::from(choice % 4)];
    let extensions = EXTENSIONS[usize::from(choice / 4 % 4)];
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
    );
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{extensions}\r\n"
    );
    let mut script = Script::read(rest);
    script.joined_midway = false;
    let opening =
        [Step::Chunk(Sent, request.into_bytes()), Step::Chunk(Received, response.into_bytes())];
    script.steps.splice(..0, opening);
    script
}
