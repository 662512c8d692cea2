//! One JSON array that is sent element by element, as Gemini streams where
//! server-sent events were not asked for.

use memchr::{memchr, memchr2};

/// Cuts an array, as it arrives, into its elements; those that are objects are
/// told, as soon as they are closed. Driven like [`super::sse::Parser`]; holds
/// at most one element, of at most `limit` bytes.
///
/// After a hole it goes on at the next line that begins with an object: an
/// element, as no text holds a line break, and what is inside an element is
/// indented where it has lines of its own.
#[derive(Debug)]
pub(crate) struct Parser {
    limit: usize,
    place: Place,
    element: Vec<u8>,
    /// Brackets that are open, of either kind, within the element.
    depth: u64,
    in_text: bool,
    after_backslash: bool,
    /// The element is longer than the bound.
    too_long: bool,
    /// Elements told.
    told: u64,
    /// Elements that were too long to be.
    dropped: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the array.
    Start,
    /// Before an element, a comma or the array's end.
    Between,
    Element,
    /// After a hole: somewhere inside a line.
    LostLine,
    /// After a hole: nothing but commas since the line began.
    LostComma,
    /// After the array, or in what is none.
    Over,
}

impl Parser {
    pub(crate) fn new(limit: usize) -> Self {
        Parser {
            limit,
            place: Place::Start,
            element: Vec::new(),
            depth: 0,
            in_text: false,
            after_backslash: false,
            too_long: false,
            told: 0,
            dropped: 0,
        }
    }

    /// For what may be the middle of an array.
    pub(crate) fn midway(limit: usize) -> Self {
        Parser { place: Place::LostComma, ..Parser::new(limit) }
    }

    /// Elements told so far.
    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// Elements that were too long to be told.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn push(&mut self, bytes: &[u8], on_element: &mut impl FnMut(&[u8])) {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            match self.place {
                Place::Start if blank => at += 1,
                Place::Start => {
                    self.place = if *byte == b'[' { Place::Between } else { Place::Over };
                    at += 1;
                }
                Place::Between if blank || *byte == b',' => at += 1,
                Place::Between if *byte == b']' => self.place = Place::Over,
                Place::Between => self.place = Place::Element,
                Place::Element => at += self.element(&bytes[at..], on_element),
                Place::LostLine => {
                    let Some(end) = memchr(b'\n', &bytes[at..]) else { return };
                    at += end + 1;
                    self.place = Place::LostComma;
                }
                Place::LostComma => match byte {
                    b',' | b'\r' | b'\n' => at += 1,
                    b'{' => self.place = Place::Element,
                    b']' => self.place = Place::Over,
                    _ => self.place = Place::LostLine,
                },
                Place::Over => return,
            }
        }
    }

    /// Bytes are missing here: the element around them is dropped.
    pub(crate) fn hole(&mut self) {
        if self.place != Place::Over {
            self.forget();
            self.place = Place::LostLine;
        }
    }

    /// The element that the body's end cut short, if it did.
    pub(crate) fn finish(self, on_cut: &mut impl FnMut(&[u8])) {
        if self.element.first() == Some(&b'{') {
            on_cut(&self.element);
        }
    }

    /// Reads on inside an element; how far it goes, within `bytes`.
    fn element(&mut self, bytes: &[u8], on_element: &mut impl FnMut(&[u8])) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.in_text {
                at += self.text(&bytes[at..]);
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b'}' | b']' if self.depth == 1 => {
                    at += 1;
                    self.end(&bytes[..at], on_element);
                    return at;
                }
                // The end of a number, a text or a name.
                b',' | b']' if self.depth == 0 => {
                    self.end(&bytes[..at], on_element);
                    return at;
                }
                _ => {}
            }
            at += 1;
        }
        self.keep(bytes);
        at
    }

    /// Reads on inside a text; how far it goes.
    fn text(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.after_backslash) {
            return 1;
        }
        let Some(at) = memchr2(b'"', b'\\', bytes) else { return bytes.len() };
        self.after_backslash = bytes[at] == b'\\';
        self.in_text = self.after_backslash;
        at + 1
    }

    fn end(&mut self, last: &[u8], on_element: &mut impl FnMut(&[u8])) {
        let whole = if self.element.is_empty() && !self.too_long && last.len() <= self.limit {
            last
        } else {
            self.keep(last);
            &self.element
        };
        if self.too_long {
            self.dropped += 1;
        } else if whole.first() == Some(&b'{') {
            self.told += 1;
            on_element(whole);
        }
        self.forget();
        self.place = Place::Between;
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.too_long || self.element.len() + bytes.len() > self.limit {
            self.too_long = true;
            self.element.clear();
        } else {
            self.element.extend_from_slice(bytes);
        }
    }

    fn forget(&mut self) {
        self.element.clear();
        self.depth = 0;
        self.in_text = false;
        self.after_backslash = false;
        self.too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::lossy::text;

    /// Elements, one that was cut short with `~` before it.
    fn elements(parser: &mut Parser, pieces: &[&[u8]]) -> Vec<String> {
        let mut elements = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut |element| elements.push(text(element).into_owned()));
        }
        elements
    }

    /// The array cut at every place.
    fn check(array: &[u8], expected: &[&str]) {
        for at in 0..=array.len() {
            let mut parser = Parser::new(24);
            let (before, after) = array.split_at(at);
            let mut told = elements(&mut parser, &[before, after]);
            parser.finish(&mut |cut| told.push(format!("~{}", text(cut))));
            assert_eq!(told, expected, "{} cut at {at}", array.escape_ascii());
        }
    }

    #[test]
    fn elements_are_told_one_by_one() {
        check(b"", &[]);
        check(b"[]", &[]);
        check(b"[{}]", &["{}"]);
        check(b" [{\"a\":1}\n,\r\n{\"b\":[{}]}]\n", &["{\"a\":1}", "{\"b\":[{}]}"]);
        check(br#"[{"a":"}\"]\\"},{"b":"\\\""}]"#, &[r#"{"a":"}\"]\\"}"#, r#"{"b":"\\\""}"#]);
        check(br#"["{},{", 1, null, [{}], {"c":"["}]"#, &[r#"{"c":"["}"#]);
        check(b"[{\"a\":1},{\"b\"", &["{\"a\":1}", "~{\"b\""]);
        check(b"[{}] [{}]", &["{}"]);
        check(b"{\"a\":[{}]}", &[]);
        check(b"text", &[]);
        check(b"[{\"long\":\"123456789012345\"},{\"b\":1}]", &["{\"b\":1}"]);
    }

    #[test]
    fn an_element_is_told_when_it_is_closed() {
        let mut parser = Parser::new(100);
        assert_eq!(elements(&mut parser, &[b"[{\"a\":1}"]), ["{\"a\":1}"]);
        assert_eq!(elements(&mut parser, &[b"\n,\r\n", b"{\"b\":", b"2}"]), ["{\"b\":2}"]);
    }

    #[test]
    fn a_hole_costs_the_element_around_it() {
        let pretty =
            "[{\n  \"a\": [\n    {\n      \"n\": 0\n    }\n  ]\n}\n,\r\n{\n  \"b\": 1\n}\n]\n";
        for array in [pretty.as_bytes(), b"[{\"a\":[{\"n\":0}]}\n,\r\n{\n  \"b\": 1\n}\n]\n"] {
            let second = array.windows(4).position(|four| four == b"\n,\r\n").unwrap();
            for at in 1..second {
                let mut parser = Parser::new(100);
                let mut told = elements(&mut parser, &[&array[..at - 1]]);
                parser.hole();
                told.extend(elements(&mut parser, &[&array[at..]]));
                assert_eq!(told, ["{\n  \"b\": 1\n}"], "hole before {at}");
            }
            let mut parser = Parser::midway(100);
            let told = elements(&mut parser, &[&array[second + 1..]]);
            assert_eq!(told, ["{\n  \"b\": 1\n}"]);
        }
    }

    #[test]
    fn nesting_costs_a_counter() {
        let mut parser = Parser::new(100);
        let deep = vec![b'['; 1 << 20];
        assert!(elements(&mut parser, &[&deep]).is_empty());
        assert!(parser.element.capacity() <= 200);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<u32>().prop_map(Value::from),
            "[\\[\\]{},\"\\\\a🌍\n]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a\"{\\]]{0,3}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        /// What a JSON library writes comes out as its elements.
        #[test]
        fn any_array_comes_apart(
            values in prop::collection::vec(any_json(), 0..6),
            pretty in any::<bool>(),
            size in 1..20usize,
        ) {
            let array = if pretty {
                serde_json::to_vec_pretty(&values).unwrap()
            } else {
                serde_json::to_vec(&values).unwrap()
            };
            let mut parser = Parser::new(1 << 20);
            let mut told = Vec::new();
            for piece in array.chunks(size) {
                parser.push(piece, &mut |element| {
                    told.push(serde_json::from_slice::<Value>(element).unwrap());
                });
            }
            let expected: Vec<_> = values.into_iter().filter(Value::is_object).collect();
            prop_assert_eq!(told, expected);
        }
    }
}
