//! An encoder that does as it is told, and knows what a latecomer can know.

use std::collections::VecDeque;

/// How a field is to be sent.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// By index if the table has it, else added to it.
    Indexed,
    Added,
    NotAdded,
    NeverAdded,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Field { name: usize, value: usize, form: Form },
    Resize(usize),
}

pub(crate) const NAMES: [&str; 7] =
    [":path", ":status", "authorization", "content-type", "x-api-key", "x-request-id", "x"];

pub(crate) fn value(number: usize) -> String {
    format!("value-{number}-").repeat(number % 7)
}

/// Always known, whenever one joined.
pub(crate) const ALWAYS: usize = usize::MAX;

/// A field with the latest block at which one may join and know its name, and
/// its value.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) name: (String, usize),
    pub(crate) value: (String, usize),
}

/// An encoder that obeys its instructions rather than saves octets.
pub(crate) struct Encoder {
    table: VecDeque<Sent>,
    limit: usize,
    block: usize,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Encoder { table: VecDeque::new(), limit: 4096, block: 0 }
    }

    pub(crate) fn encode(&mut self, steps: &[Step]) -> (Vec<u8>, Vec<Sent>) {
        let mut out = Vec::new();
        let sent = steps.iter().filter_map(|step| self.step(&mut out, step)).collect();
        self.block += 1;
        (out, sent)
    }

    fn integer(out: &mut Vec<u8>, pattern: u8, prefix: u32, value: usize) {
        let mask = (1usize << prefix) - 1;
        if value < mask {
            out.push(pattern | value as u8);
            return;
        }
        out.push(pattern | mask as u8);
        let mut rest = value - mask;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn string(out: &mut Vec<u8>, text: &str) {
        Self::integer(out, 0, 7, text.len());
        out.extend(text.as_bytes());
    }

    fn evict(&mut self) {
        let size = |entry: &Sent| entry.name.0.len() + entry.value.0.len() + 32;
        while self.table.iter().map(size).sum::<usize>() > self.limit {
            self.table.pop_back();
        }
    }

    fn step(&mut self, out: &mut Vec<u8>, step: &Step) -> Option<Sent> {
        let (name, value, form) = match step {
            Step::Resize(limit) => {
                self.limit = *limit;
                self.evict();
                Self::integer(out, 0x20, 5, self.limit);
                return None;
            }
            Step::Field { name, value: number, form } => (NAMES[*name], value(*number), form),
        };
        let whole = self.table.iter().position(|sent| sent.name.0 == name && sent.value.0 == value);
        let (named, since) = match name {
            ":path" => (4, ALWAYS),
            ":status" => (8, ALWAYS),
            "authorization" => (23, ALWAYS),
            _ => match self.table.iter().position(|sent| sent.name.0 == name) {
                Some(at) => (at + 62, self.table[at].name.1),
                None => (0, ALWAYS),
            },
        };
        let (pattern, prefix) = match (form, whole) {
            (Form::Indexed, Some(at)) => {
                Self::integer(out, 0x80, 7, at + 62);
                return Some(self.table[at].clone());
            }
            (Form::Indexed | Form::Added, _) => (0x40, 6),
            (Form::NotAdded, _) => (0x00, 4),
            (Form::NeverAdded, _) => (0x10, 4),
        };
        Self::integer(out, pattern, prefix, named);
        if named == 0 {
            Self::string(out, name);
        }
        Self::string(out, &value);
        if pattern == 0x40 {
            self.table.push_front(Sent {
                name: (name.into(), since.min(self.block)),
                value: (value.clone(), self.block),
            });
            self.evict();
        }
        Some(Sent { name: (name.into(), since), value: (value, ALWAYS) })
    }
}
