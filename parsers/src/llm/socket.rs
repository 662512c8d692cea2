//! What a message on a WebSocket is to the exchanges there.

/// A message's part in the exchanges of its WebSocket, as its dialect tells.
///
/// HTTP says which response answers which request; on a WebSocket the messages
/// do, each API in its own way. Whoever drives the dialect makes an exchange of
/// what is asked and of what is told, and hands each message of an answer to
/// [`Dialect::event`](super::Dialect::event): the exchange is over when that
/// sets [`Answer::done`](super::Answer::done), or with an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn<'a> {
    /// What it does.
    pub part: TurnPart,
    /// Which of several lanes on the socket it belongs to: in each of them one
    /// answer follows the other, unless answers have names.
    pub lane: Option<&'a str>,
    /// What the server calls the answer.
    pub answer: Option<&'a str>,
    /// What the client calls its message; of an error, the message it is about.
    pub message: Option<&'a str>,
    /// The model that is said to answer from here on.
    pub model: Option<&'a str>,
    /// What the server calls the session that all on the socket is part of.
    pub session: Option<&'a str>,
    /// The HTTP status that an error would have had.
    pub status: Option<u16>,
    /// The header fields that it would have had.
    pub headers: Vec<(String, String)>,
}

/// What a message does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TurnPart {
    /// From the client: asks for an answer. An exchange begins.
    Asks,
    /// From the client: belongs to what will be asked.
    Adds,
    /// From the client: a piece of audio or video, which belongs to what will be
    /// asked, and of which only the size matters.
    Feeds,
    /// From the client: belongs to the answer that is on its way, where one is;
    /// else it asks.
    Continues,
    /// From the server: an answer begins, asked for or not.
    Begins,
    /// From the server: part of an answer that has begun.
    Tells,
    /// From the server: part of an answer, which may begin with it.
    MayBegin,
    /// From the server: an error that ends the answer on its way or, where none
    /// is, takes the place of the next.
    Fails,
    /// From the server: an error instead of the answer to a message, or to the
    /// oldest one that has none yet.
    Rejects,
    /// From the server: an error that is of no exchange.
    Complains,
    /// From the server: what is left of quotas. Of the exchange that is open, if
    /// it is one alone; it may come before the answer.
    Limits,
    /// Of no exchange: read with the answer on its way, where there is one alone.
    #[default]
    Beside,
}

impl Turn<'_> {
    /// A message that does only this.
    pub fn new(part: TurnPart) -> Self {
        Turn { part, ..Turn::default() }
    }
}
