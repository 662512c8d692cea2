//! The tables that indices refer to (RFC 7541 section 2.3): the static one,
//! and the dynamic one with what may be missing of it.

use std::collections::VecDeque;
use std::sync::Arc;

/// Octets of entries that are kept; an encoder may use a larger table, whose
/// older entries are then unknown here.
const KEPT: usize = 64 << 10;

/// What an entry costs besides its octets (RFC 7541 section 4.1).
const OVERHEAD: usize = 32;

/// The size of the table before its encoder says otherwise.
const INITIAL: usize = 4096;

/// Index of the newest dynamic entry.
const FIRST_DYNAMIC: usize = 62;

/// The static table (RFC 7541 appendix A); its first entry has index 1.
#[rustfmt::skip]
static STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// The name of a field.
#[derive(Clone, Debug)]
pub(super) enum Name {
    /// Of the static table.
    Static(&'static [u8]),
    /// As sent.
    Sent(Arc<[u8]>),
    /// Sent before the first block that was seen.
    Unknown,
}

impl Name {
    /// The name, if it is known.
    pub(super) fn known(&self) -> Option<&[u8]> {
        match self {
            Name::Static(name) => Some(name),
            Name::Sent(name) => Some(name),
            Name::Unknown => None,
        }
    }
}

#[derive(Debug)]
struct Entry {
    name: Name,
    value: Box<[u8]>,
}

impl Entry {
    /// Its size, or the least it can be where the name is unknown.
    fn size(&self) -> usize {
        self.name.known().map_or(0, <[u8]>::len) + self.value.len() + OVERHEAD
    }
}

/// The dynamic table as far as it is known.
///
/// An index counts from the newest entry. So every entry whose insertion was
/// seen is resolved exactly, whatever came before it, and an index past those
/// refers to one that was not seen. Entries that the encoder has evicted may
/// linger here: a correct encoder never refers to them. The same goes for an
/// entry that was too large for the encoder's table, which empties it: what is
/// inserted next counts from the newest again.
#[derive(Debug)]
pub(super) struct Dynamic {
    /// The newest first.
    entries: VecDeque<Entry>,
    /// Of all entries, as far as it is known.
    size: usize,
    /// The encoder's limit; `None`: not known.
    limit: Option<usize>,
    /// The encoder may hold entries older than all of these.
    older: bool,
}

impl Dynamic {
    /// The table of a connection that is seen from its start.
    pub(super) fn new() -> Self {
        Dynamic { entries: VecDeque::new(), size: 0, limit: Some(INITIAL), older: false }
    }

    /// The table of an encoder that has sent blocks unseen.
    pub(super) fn midway() -> Self {
        Dynamic { limit: None, older: true, ..Dynamic::new() }
    }

    /// Whether every entry the encoder may refer to is known.
    pub(super) fn is_whole(&self) -> bool {
        !self.older
    }

    /// What `index` refers to in either table, if that is known.
    pub(super) fn find(&self, index: usize) -> Option<(Name, &[u8])> {
        if let Some((name, value)) = index.checked_sub(1).and_then(|at| STATIC.get(at)) {
            return Some((Name::Static(name), value));
        }
        let entry = self.entries.get(index.checked_sub(FIRST_DYNAMIC)?)?;
        Some((entry.name.clone(), &entry.value))
    }

    /// Whether `index` is past the oldest entry there can be.
    pub(super) fn is_beyond(&self, index: usize) -> bool {
        !self.older && index >= FIRST_DYNAMIC + self.entries.len()
    }

    /// A field that the encoder adds to its table.
    pub(super) fn insert(&mut self, name: Name, value: &[u8]) {
        let entry = Entry { name, value: value.into() };
        self.size += entry.size();
        self.entries.push_front(entry);
        self.evict();
    }

    /// The encoder's new limit.
    pub(super) fn resize(&mut self, limit: usize) {
        self.limit = Some(limit);
        self.evict();
        if limit < OVERHEAD {
            // Not even an empty field fits.
            self.older = false;
        }
    }

    fn evict(&mut self) {
        if let Some(limit) = self.limit
            && self.size > limit
        {
            // The oldest go first, so those unseen are gone.
            self.older = false;
            self.shrink(limit);
        }
        if self.size > KEPT {
            self.older = true;
            self.shrink(KEPT);
        }
    }

    fn shrink(&mut self, size: usize) {
        while self.size > size
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size -= oldest.size();
        }
    }
}
