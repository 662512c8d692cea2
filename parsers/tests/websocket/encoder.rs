//! An encoder of WebSocket frames (RFC 6455) and compressed messages (RFC
//! 7692), written from the specifications alone.

use flate2::{Compress, Compression, FlushCompress};

/// One end that writes.
pub(crate) struct Encoder {
    masks: bool,
    deflate: Option<Compress>,
    takeover: bool,
    /// The next mask.
    key: u32,
}

/// A message to write.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) text: bool,
    pub(crate) payload: Vec<u8>,
    pub(crate) compress: bool,
    /// Its fragments' shares of it, in per cent of the rest.
    pub(crate) cuts: Vec<u8>,
    /// A control frame after each fragment but the last.
    pub(crate) ping: bool,
}

impl Encoder {
    pub(crate) fn new(masks: bool, deflate: bool, takeover: bool) -> Self {
        let deflate = deflate.then(|| Compress::new(Compression::default(), false));
        Encoder { masks, deflate, takeover, key: 0x9E37_79B9 }
    }

    /// The frames of a message.
    pub(crate) fn message(&mut self, sent: &Sent) -> Vec<Vec<u8>> {
        let compressed = sent.compress && self.deflate.is_some();
        let mut rest = if compressed { self.deflated(&sent.payload) } else { sent.payload.clone() };
        let mut frames = Vec::new();
        for (at, cut) in sent.cuts.iter().map(Some).chain([None]).enumerate() {
            let after = match cut {
                Some(cut) => rest.split_off(rest.len() * usize::from(*cut) / 100),
                None => Vec::new(),
            };
            let opcode = match (at, sent.text) {
                (0, true) => 1,
                (0, false) => 2,
                _ => 0,
            };
            let end = if cut.is_none() { 0x80 } else { 0 };
            let rsv1 = if compressed && at == 0 { 0x40 } else { 0 };
            frames.push(self.frame(end | rsv1 | opcode, &rest));
            if sent.ping && cut.is_some() {
                frames.push(self.frame(0x89, b"still there?"));
            }
            rest = after;
        }
        frames
    }

    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = if self.masks { 0x80 } else { 0 };
        let mut frame = vec![first];
        match payload.len() {
            length @ ..126 => frame.push(mask | length as u8),
            length @ ..65536 => {
                frame.push(mask | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(mask | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        if !self.masks {
            frame.extend(payload);
            return frame;
        }
        self.key = self.key.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
        let key = self.key.to_be_bytes();
        frame.extend(key);
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    fn deflated(&mut self, payload: &[u8]) -> Vec<u8> {
        let compress = self.deflate.as_mut().unwrap();
        if !self.takeover {
            compress.reset();
        }
        let mut out = Vec::with_capacity(payload.len() + 1024);
        let before = compress.total_in();
        loop {
            let read = (compress.total_in() - before) as usize;
            out.reserve(1024);
            compress.compress_vec(&payload[read..], &mut out, FlushCompress::Sync).unwrap();
            let read = (compress.total_in() - before) as usize;
            if read == payload.len() && out.len() < out.capacity() {
                break;
            }
        }
        // Section 7.2.1: without the tail; a message of nothing keeps one octet.
        assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]) || payload.is_empty(), "{out:x?}");
        out.truncate(out.len().saturating_sub(4));
        if out.is_empty() { vec![0] } else { out }
    }
}
