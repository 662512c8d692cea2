//! Whether bytes begin like HTTP, or like TLS.

/// Bytes that are looked at.
pub const HEAD: usize = 16;

/// What bytes begin like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// A request line of HTTP/1 (RFC 9112, section 3), or the client's preface
    /// of HTTP/2 (RFC 9113, section 3.4).
    Request,
    /// A request for a tunnel (RFC 9110, section 9.3.6): what follows is not HTTP.
    Connect,
    /// A status line of HTTP/1 (RFC 9112, section 4).
    Response,
    /// A record of TLS (RFC 8446, section 5.1).
    Tls,
    Other,
}

/// Judges the first bytes of a transfer, of which those that were not moved are
/// zero.
#[inline(always)]
pub fn beginning(head: &[u8; HEAD]) -> Beginning {
    // change_cipher_spec, alert, handshake, application_data
    if head[0] >= 20 && head[0] <= 23 && head[1] == 3 && head[2] <= 4 {
        return Beginning::Tls;
    }
    let target = match [head[0], head[1], head[2], head[3]] {
        [b'H', b'T', b'T', b'P'] => {
            let fits = head[4] == b'/' && head[5] == b'1' && head[6] == b'.';
            return if fits { Beginning::Response } else { Beginning::Other };
        }
        [b'P', b'R', b'I', b' '] => {
            let rest = u64::from_ne_bytes([
                head[4], head[5], head[6], head[7], head[8], head[9], head[10], head[11],
            ]);
            let fits = rest == u64::from_ne_bytes(*b"* HTTP/2");
            return if fits { Beginning::Request } else { Beginning::Other };
        }
        [b'G', b'E', b'T', b' '] | [b'P', b'U', b'T', b' '] => head[4],
        [b'P', b'O', b'S', b'T'] | [b'H', b'E', b'A', b'D'] if head[4] == b' ' => head[5],
        [b'P', b'A', b'T', b'C'] if head[4] == b'H' && head[5] == b' ' => head[6],
        [b'T', b'R', b'A', b'C'] if head[4] == b'E' && head[5] == b' ' => head[6],
        [b'D', b'E', b'L', b'E'] if head[4] == b'T' && head[5] == b'E' && head[6] == b' ' => {
            head[7]
        }
        [b'O', b'P', b'T', b'I']
            if head[4] == b'O' && head[5] == b'N' && head[6] == b'S' && head[7] == b' ' =>
        {
            head[8]
        }
        [b'C', b'O', b'N', b'N']
            if head[4] == b'E' && head[5] == b'C' && head[6] == b'T' && head[7] == b' ' =>
        {
            // host and port
            return if head[8] > b' ' { Beginning::Connect } else { Beginning::Other };
        }
        _ => return Beginning::Other,
    };
    // origin form, absolute form (to a proxy), asterisk form
    if matches!(target, b'/' | b'h' | b'*') { Beginning::Request } else { Beginning::Other }
}
