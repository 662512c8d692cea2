//! Exchanges for files: one from the screen, all of a recording.

use std::io::{self, Write};

use super::{Sink, csv, curl, har, json, markdown};
use crate::store::{ExchangeId, Seen, Store};

/// What the screen makes a file of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The exchange as `--json` has it.
    Json,
    /// HTTP Archive 1.2.
    Har,
    /// A shell script that sends the request again.
    Curl,
    /// The conversation, to be read.
    Markdown,
}

impl Format {
    /// How a file of it ends.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Har => "har",
            Format::Curl => "sh",
            Format::Markdown => "md",
        }
    }
}

/// One exchange as the file to be written, and the name for it.
///
/// # Errors
/// Where it is not in the store any more, or cannot be had in this format.
pub fn one(
    store: &Store,
    id: ExchangeId,
    format: Format,
    show_secrets: bool,
) -> Result<(String, Vec<u8>), &'static str> {
    let record = store.exchange(id);
    let seen = record.and_then(|record| Seen::of(store, record));
    let seen = seen.ok_or("the exchange is not kept any more")?;
    let text = match format {
        Format::Json => json::exchange(seen, show_secrets) + "\n",
        Format::Har => har::head() + &har::entry(&seen, show_secrets) + har::TAIL,
        Format::Curl => curl::script(&seen)?,
        Format::Markdown => markdown::transcript(&seen),
    };
    // The name holds nothing that was captured.
    Ok((format!("llmtop-{}.{}", seen.record.ulid, format.extension()), text.into_bytes()))
}

/// What `export` makes of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON array.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// HTTP Archive 1.2.
    Har,
    /// Comma-separated values.
    Csv,
}

/// Writes the exchanges of a recording.
pub struct Exporter {
    to: Box<dyn Write + Send>,
    form: Form,
    any: bool,
    show_secrets: bool,
}

impl Exporter {
    /// Writes to `to`, and flushes in the end.
    pub fn new(to: Box<dyn Write + Send>, form: Form, show_secrets: bool) -> Self {
        Exporter { to, form, any: false, show_secrets }
    }

    /// What comes before the first.
    fn head(&self) -> String {
        match self.form {
            Form::Json => "[\n".to_owned(),
            Form::Jsonl => String::new(),
            Form::Har => har::head(),
            Form::Csv => csv::head(),
        }
    }
}

impl Sink for Exporter {
    fn finished(&mut self, seen: Seen<'_>) -> io::Result<()> {
        let before = match self.form {
            _ if !self.any => self.head(),
            Form::Json | Form::Har => ",\n".to_owned(),
            Form::Jsonl | Form::Csv => String::new(),
        };
        self.any = true;
        let secrets = self.show_secrets;
        let text = match self.form {
            Form::Json => json::exchange(seen, secrets),
            Form::Jsonl => json::exchange(seen, secrets) + "\n",
            Form::Har => har::entry(&seen, secrets),
            Form::Csv => csv::row(&seen, secrets),
        };
        self.to.write_all(before.as_bytes())?;
        self.to.write_all(text.as_bytes())
    }

    fn end(&mut self, _: &llmtop_probe::Totals, _: u64) -> io::Result<()> {
        let tail = match self.form {
            Form::Json if self.any => "\n]\n",
            Form::Json => "[]\n",
            Form::Har => har::TAIL,
            Form::Jsonl | Form::Csv => "",
        };
        if !self.any && self.form != Form::Json {
            self.to.write_all(self.head().as_bytes())?;
        }
        self.to.write_all(tail.as_bytes())?;
        self.to.flush()
    }
}
