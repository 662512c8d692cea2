//! What the peers agree on in their handshake.

/// What the server accepted of the extensions that the client offered
/// (RFC 6455 section 9.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Messages may be compressed (permessage-deflate, RFC 7692).
    pub deflate: bool,
    /// No message of the client refers to the one before
    /// (`client_no_context_takeover`).
    pub client_forgets: bool,
    /// None of the server does (`server_no_context_takeover`).
    pub server_forgets: bool,
}

impl Extensions {
    /// Reads the `Sec-WebSocket-Extensions` of a response. Smaller windows
    /// (`client_max_window_bits`, `server_max_window_bits`) are understood by
    /// themselves: a decoder with the largest window reads them all.
    pub fn accepted<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut accepted = Extensions::default();
        for extension in values.flat_map(|value| value.split(',')) {
            let mut parameters = extension.split(';').map(str::trim);
            if !parameters.next().is_some_and(|name| name.eq_ignore_ascii_case(DEFLATE)) {
                continue;
            }
            accepted.deflate = true;
            for parameter in parameters {
                let is = |name| parameter.eq_ignore_ascii_case(name);
                accepted.client_forgets |= is("client_no_context_takeover");
                accepted.server_forgets |= is("server_no_context_takeover");
            }
        }
        accepted
    }
}

const DEFLATE: &str = "permessage-deflate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_is_read() {
        let read = |values: &[&str]| Extensions::accepted(values.iter().copied());
        let none = Extensions::default();
        let deflate = Extensions { deflate: true, ..none };
        for (values, extensions) in [
            (&[][..], none),
            (&["x-webkit-deflate-frame"], none),
            (&["permessage-deflate"], deflate),
            (&["PerMessage-Deflate; server_max_window_bits=10; client_max_window_bits"], deflate),
            (
                &["foo, permessage-deflate;server_no_context_takeover"],
                Extensions { server_forgets: true, ..deflate },
            ),
            (
                &[
                    "foo",
                    "permessage-deflate; client_no_context_takeover; \
                   server_no_context_takeover",
                ],
                Extensions { client_forgets: true, server_forgets: true, ..deflate },
            ),
        ] {
            assert_eq!(read(values), extensions, "{values:?}");
        }
    }
}
