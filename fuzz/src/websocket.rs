//! A WebSocket (RFC 6455), opened well.

use llmtop_parsers::Direction::{Received, Sent};
use llmtop_parsers::websocket::{Defect, Event, Extensions, WebSocket};

use crate::script::{Script, Step, TIME};
use crate::{LIMITS, body};

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

/// Plays what happens once it is open, at once and cut into pieces of as many
/// bytes as the first of `data` says. As long as frames follow one another the
/// same must come out; the contract holds whatever they do.
///
/// # Panics
/// It is not so.
pub fn check(data: &[u8]) {
    let [cut, choice, rest @ ..] = data else { return };
    let script = opened(*choice, rest);
    let framed = framed(&script, *choice);
    if framed.steps.len() < script.steps.len() {
        body::check_contract(&script, *cut);
    }
    body::check_cut(&framed, *cut);
}

/// What happens before frames have to be searched for, which are found here or
/// there, and before a message is given up for its size, which more or less of
/// it is needed to tell.
fn framed(script: &Script, choice: u8) -> Script {
    let agreed = EXTENSIONS[usize::from(choice / 4 % 4)].split_once(": ");
    let mut frames =
        WebSocket::new(LIMITS, Sent, Extensions::accepted(agreed.iter().map(|(_, to)| *to)));
    let mut steps = script.steps.clone();
    let handshake = 2;
    for at in handshake..steps.len() {
        let mut depends = false;
        let tell = |event| match event {
            Event::Lost { .. } => depends = true,
            Event::Message { message, .. } => depends |= message.defect == Some(Defect::Bomb),
            Event::Close { .. } => {}
        };
        match &steps[at] {
            Step::Chunk(direction, bytes) => frames.receive(*direction, TIME, bytes, tell),
            Step::Gap(direction, lost) => frames.gap(*direction, *lost, tell),
            Step::Close => break,
        }
        if depends {
            steps.truncate(at);
            break;
        }
    }
    Script { steps, ..*script }
}

/// What happens once it is open. `choice` chooses what is agreed on, the rest
/// is a script.
fn opened(choice: u8, rest: &[u8]) -> Script {
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
    (script.joined_midway, script.stdio) = (false, false);
    let opening =
        [Step::Chunk(Sent, request.into_bytes()), Step::Chunk(Received, response.into_bytes())];
    script.steps.splice(..0, opening);
    script
}
