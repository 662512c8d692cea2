//! Reading a recording, whole, cut or damaged.

use std::io::{self, Read};

use super::format::{self, Header, MAGIC, MAX_RECORD, PREFIX, VERSION, kind};
use crate::{Capture, Error, Totals};

/// What a recording holds, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A capture.
    Capture(Capture),
    /// The recording ended in order, having moved so much.
    End(Totals),
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With its end record.
    Whole,
    /// In the middle of a record, or before the end record; at this byte.
    Cut(u64),
    /// With a record whose checksum or content is wrong; at this byte.
    Damaged(u64),
}

/// Reads a recording record by record.
///
/// Drive it with [`next_item`](Self::next_item) until that gives `None`; then
/// [`ending`](Self::ending) says why. A cut recording gives all it holds, and
/// a hostile one takes no more memory than one record may have.
#[derive(Debug)]
pub struct Reader<R: Read> {
    from: R,
    header: Header,
    /// Bytes read.
    at: u64,
    /// The record that is read, with its prefix, as far as it is there.
    record: Vec<u8>,
    /// `record` was given: the next one begins.
    given: bool,
    ending: Option<Ending>,
}

/// One raw record: there, or not.
enum Raw {
    There,
    End(Ending),
}

impl<R: Read> Reader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// [`Error::Recording`] where it is no recording or one of another
    /// version, or nothing at all, [`Error::Io`] where it cannot be read. A
    /// recording cut inside its first bytes is one of nothing.
    pub fn new(from: R) -> Result<Self, Error> {
        let (header, record) = (Header::default(), Vec::new());
        let mut reader = Reader { from, header, at: 0, record, given: true, ending: None };
        patiently(|| reader.fill(MAGIC.len() + 2))?;
        let first = std::mem::take(&mut reader.record);
        if first.is_empty() {
            return Err(Error::Recording("it is empty".into()));
        }
        let shown = first.len().min(MAGIC.len());
        if first[..shown] != MAGIC[..shown] {
            return Err(Error::Recording("its first bytes are not those of one".into()));
        }
        let Some(version) = first.get(MAGIC.len()..).and_then(|v| v.first_chunk()) else {
            reader.ending = Some(Ending::Cut(reader.at));
            return Ok(reader);
        };
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(Error::Recording(format!("its version is {version}, not {VERSION}")));
        }
        match patiently(|| reader.raw())? {
            Raw::There => {
                let Some((&kind::HEADER, json)) = reader.record[PREFIX..].split_first() else {
                    return Err(Error::Recording("it has no header".into()));
                };
                reader.header = serde_json::from_slice(json)
                    .map_err(|error| Error::Recording(format!("its header: {error}")))?;
            }
            Raw::End(ending) => reader.ending = Some(ending),
        }
        Ok(reader)
    }

    /// Where and when it was made; empty where a cut recording does not say.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next item; `None` at the end, whatever that is.
    ///
    /// # Errors
    /// Those of the underlying reader. After [`io::ErrorKind::WouldBlock`] it goes on
    /// where it was.
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        while self.ending.is_none() {
            if let Raw::End(ending) = self.raw()? {
                self.ending = Some(ending);
                break;
            }
            let begins = self.begins();
            let Some((&kind, payload)) = self.record[PREFIX..].split_first() else {
                self.ending = Some(Ending::Damaged(begins));
                break;
            };
            let item = match kind {
                kind::CHUNK => format::chunk(payload).map(|c| Item::Capture(Capture::Chunk(c))),
                kind::CAPTURE => serde_json::from_slice(payload).ok().map(Item::Capture),
                kind::END => serde_json::from_slice(payload).ok().map(Item::End),
                _ => continue,
            };
            match &item {
                Some(Item::Capture(_)) => {}
                Some(Item::End(_)) => self.ending = Some(Ending::Whole),
                None => self.ending = Some(Ending::Damaged(begins)),
            }
            return Ok(item);
        }
        Ok(None)
    }

    /// How it ended; `None` while it has not.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// Where the record that is read begins.
    fn begins(&self) -> u64 {
        self.at - self.record.len() as u64
    }

    /// Reads one record into `self.record`, or goes on with it.
    fn raw(&mut self) -> io::Result<Raw> {
        if std::mem::take(&mut self.given) {
            self.record.clear();
        }
        self.fill(PREFIX)?;
        let Some((length, sum)) = self.record.split_first_chunk().and_then(|(length, rest)| {
            Some((u32::from_le_bytes(*length), u32::from_le_bytes(*rest.first_chunk()?)))
        }) else {
            return Ok(Raw::End(Ending::Cut(self.at)));
        };
        let length = length as usize;
        if length == 0 || length > MAX_RECORD {
            return Ok(Raw::End(Ending::Damaged(self.begins())));
        }
        // Grows with what is there, not with what the length claims.
        self.fill(PREFIX + length)?;
        if self.record.len() < PREFIX + length {
            return Ok(Raw::End(Ending::Cut(self.at)));
        }
        if crc32fast::hash(&self.record[PREFIX..]) != sum {
            return Ok(Raw::End(Ending::Damaged(self.begins())));
        }
        self.given = true;
        Ok(Raw::There)
    }

    /// Reads until `self.record` has `wanted` bytes; fewer only at the end.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        let before = self.record.len();
        let left = wanted.saturating_sub(before) as u64;
        let read = self.from.by_ref().take(left).read_to_end(&mut self.record);
        self.at += (self.record.len() - before) as u64;
        read.map(drop)
    }
}

/// Tries again where there was nothing to read yet: who says so waits the next time.
fn patiently<T>(mut read: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Writer;
    use crate::{Chunk, ConnId, Direction, Endpoint, Gap, Open, Process, Timestamp, Tls};

    fn captures() -> Vec<Capture> {
        let conn = ConnId(u64::MAX - 1);
        let endpoint = Endpoint {
            local: Some("[::ffff:127.0.0.1]:51000".parse().unwrap()),
            peer: Some("127.0.0.1:443".parse().unwrap()),
            server_name: Some("api.example".into()),
            peer_pid: Some(7),
        };
        let process = Process {
            pid: 42,
            parent: Some(1),
            comm: "cu\u{1b}rl".into(),
            exe: Some("/usr/bin/curl".into()),
            args: vec!["curl".into(), "\"quoted\"".into()],
            uid: 1000,
            container: None,
            started: Some(Timestamp(5)),
        };
        let mut all = vec![
            Capture::Process(process),
            Capture::Open(Open {
                conn,
                pid: 42,
                tid: 43,
                time: Timestamp(10),
                tls: Tls::Openssl,
                stdio: true,
                joined_midway: true,
                endpoint: Endpoint::default(),
            }),
            Capture::Endpoint { conn, endpoint },
        ];
        for (n, direction) in [Direction::Sent, Direction::Received].into_iter().enumerate() {
            let bytes = (0..=255).collect();
            let time = Timestamp(11 + n as u64);
            all.push(Capture::Chunk(Chunk { conn, direction, time, offset: 1 << 40, bytes }));
            all.push(Capture::Gap(Gap { conn, direction, time, lost: 9 }));
        }
        all.push(Capture::Close { conn, time: Timestamp(20), ignored: 3 });
        all.push(Capture::Exit { pid: 42, time: Timestamp(21) });
        all
    }

    const TOTALS: Totals = Totals { captured_bytes: 512, lost_bytes: 18, ignored_bytes: 3 };

    fn written() -> Vec<u8> {
        let header = Header { host: "h".into(), started: Timestamp(1), ..Header::default() };
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        captures().iter().for_each(|capture| writer.capture(capture).unwrap());
        writer.end(&TOTALS).unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<Item>, Ending) {
        let mut reader = Reader::new(bytes).unwrap();
        let mut items = Vec::new();
        while let Some(item) = reader.next_item().unwrap() {
            items.push(item);
        }
        (items, reader.ending().unwrap())
    }

    fn whole() -> Vec<Item> {
        captures().into_iter().map(Item::Capture).chain([Item::End(TOTALS)]).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read(&written()), (whole(), Ending::Whole));
        assert_eq!(Reader::new(&written()[..]).unwrap().header().host, "h");
    }

    #[test]
    fn cut_anywhere_it_gives_what_is_there() {
        let (bytes, whole) = (written(), whole());
        let mut most = 0;
        assert!(matches!(Reader::new(&bytes[..0]), Err(Error::Recording(_))), "nothing at all");
        for cut in 1..bytes.len() {
            let (items, ending) = read(&bytes[..cut]);
            assert_eq!(ending, Ending::Cut(cut as u64));
            assert_eq!(items[..], whole[..items.len()], "cut at {cut}");
            assert!(items.len() >= most, "cut at {cut} lost a record");
            most = items.len();
        }
        assert_eq!(most, whole.len() - 1);
    }

    #[test]
    fn a_flipped_bit_ends_it_and_nothing_wrong_comes_out() {
        let (bytes, whole) = (written(), whole());
        for at in 10..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let Ok(mut reader) = Reader::new(&damaged[..]) else { continue };
            let mut items = Vec::new();
            while let Some(item) = reader.next_item().unwrap() {
                items.push(item);
            }
            assert_ne!(reader.ending(), Some(Ending::Whole), "flipped at {at}");
            assert_eq!(items[..], whole[..items.len()], "flipped at {at}");
        }
    }

    #[test]
    fn a_hostile_length_takes_no_memory() {
        let mut bytes = written();
        bytes.truncate(10);
        bytes.extend((MAX_RECORD as u32).to_le_bytes());
        bytes.extend([0; 4]);
        let reader = Reader::new(&bytes[..]).unwrap();
        assert_eq!(reader.ending(), Some(Ending::Cut(18)));
        assert!(reader.record.capacity() < 1 << 16);
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        for bytes in [&b"GET / HTTP/1.1"[..], b"\x8fLLMTOP\n\x09\x00"] {
            assert!(matches!(Reader::new(bytes), Err(Error::Recording(_))), "{bytes:?}");
        }
    }

    #[test]
    fn records_of_an_unknown_kind_are_skipped() {
        let mut bytes = written();
        let mut record = Vec::new();
        record.extend(2_u32.to_le_bytes());
        record.extend(crc32fast::hash(&[200, 1]).to_le_bytes());
        record.extend([200, 1]);
        let header = 10 + 8 + u32::from_le_bytes(*bytes[10..].first_chunk().unwrap()) as usize;
        bytes.splice(header..header, record);
        assert_eq!(read(&bytes), (whole(), Ending::Whole));
    }
}
