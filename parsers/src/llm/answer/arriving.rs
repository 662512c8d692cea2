//! Arguments of a call that come as values with their places, not as text.

use serde_json::{Map, Value};

use super::watch::Growth;
use super::{Answer, Slot};

/// A call on its way in.
#[derive(Clone, Debug)]
pub(super) struct Arriving {
    /// Which of the answer's slots it is.
    place: usize,
    arguments: Value,
    /// Bytes that it takes, or would as text.
    size: usize,
}

/// Where a value is inside of another: names of members, numbers of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

/// Steps of a path at most.
const DEEPEST: usize = 64;
/// What a value costs, whatever it is, and each that it is inside of.
const VALUE: usize = 128;

impl Answer {
    /// The call in this slot grew by a value, which stands at `path` in its
    /// arguments (a normalized or shorthand path of RFC 9535). Pieces of a string
    /// follow one another; without a value, the place is made, and null.
    pub(in crate::llm) fn arrive(&mut self, slot: Slot, path: &str, value: Option<&Value>) {
        let Some(place) = self.place(slot) else { return };
        let arriving = self.arriving.take().filter(|arriving| arriving.place == place);
        let mut arriving =
            arriving.unwrap_or(Arriving { place, arguments: Value::Object(Map::new()), size: 0 });
        let value = value.filter(|value| !value.is_object() && !value.is_array());
        let steps = steps(path);
        let values = 1 + steps.as_ref().map_or(0, Vec::len);
        let size = path.len() + values * VALUE + value.map_or(0, |value| value.to_string().len());
        if arriving.size + size > self.room {
            self.truncated = true;
        } else {
            arriving.size += size;
            self.broken |= steps.and_then(|steps| arriving.set(&steps, value)).is_none();
        }
        self.growth = Growth::More;
        self.arriving = Some(arriving);
    }

    /// Whether the call in this slot is on its way in.
    pub(in crate::llm) fn is_arriving(&self, slot: Slot) -> bool {
        let arriving = self.arriving.as_ref();
        arriving.is_some_and(|arriving| self.slots[arriving.place].slot == slot)
    }

    /// The call that is on its way in is over.
    pub(in crate::llm) fn arrive_whole(&mut self) {
        if let Some(Arriving { place, arguments, .. }) = self.arriving.take() {
            let slot = self.slots[place].slot;
            self.add(slot, &arguments.to_string());
            self.detach(slot);
        }
    }

    /// What has come of the arguments of this slot's call, while they come.
    pub(super) fn arrived(&self, place: usize) -> Option<String> {
        let arriving = self.arriving.as_ref().filter(|arriving| arriving.place == place)?;
        Some(arriving.arguments.to_string())
    }
}

impl Arriving {
    /// `None`: there is something else.
    fn set(&mut self, path: &[Step], value: Option<&Value>) -> Option<()> {
        let mut at = &mut self.arguments;
        for step in path {
            at = match step {
                Step::Member(name) => {
                    if at.is_null() {
                        *at = Value::Object(Map::new());
                    }
                    at.as_object_mut()?.entry(name.as_str()).or_insert(Value::Null)
                }
                Step::Element(index) => {
                    if at.is_null() {
                        *at = Value::Array(Vec::new());
                    }
                    let elements = at.as_array_mut()?;
                    if *index == elements.len() {
                        elements.push(Value::Null);
                    }
                    elements.get_mut(*index)?
                }
            };
        }
        match (at, value) {
            (_, None) => {}
            (Value::String(text), Some(Value::String(piece))) => text.push_str(piece),
            (at @ Value::Null, Some(value)) => *at = value.clone(),
            (at, Some(value)) if at == value => {}
            _ => return None,
        }
        Some(())
    }
}

/// The steps of a path; `None` for one that names no single place.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == DEEPEST {
            return None;
        }
        let step;
        (step, rest) = match rest.strip_prefix('.') {
            Some(named) => {
                let end = named.find(['.', '[']).unwrap_or(named.len());
                let (name, rest) = named.split_at(end);
                let names_one = !name.is_empty() && name != "*";
                (names_one.then(|| Step::Member(name.to_owned()))?, rest)
            }
            None => bracketed(rest.strip_prefix('[')?)?,
        };
        steps.push(step);
    }
    Some(steps)
}

/// What stands in brackets, and what follows them.
fn bracketed(text: &str) -> Option<(Step, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let Some(quote) = quote else {
        let (number, rest) = text.split_once(']')?;
        return Some((Step::Element(number.parse().ok()?), rest));
    };
    let mut name = String::new();
    let mut letters = text[1..].char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next()?.1 {
                'n' => name.push('\n'),
                't' => name.push('\t'),
                'r' => name.push('\r'),
                'b' => name.push('\u{8}'),
                'f' => name.push('\u{c}'),
                // Of control characters alone, which no parameter's name has.
                'u' => return None,
                other => name.push(other),
            },
            letter if letter == quote => {
                let rest = text.get(at + 2..)?.strip_prefix(']')?;
                return Some((Step::Member(name), rest));
            }
            letter => name.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::SlotKind;
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_name_one_place() {
        let member = |name: &str| Step::Member(name.to_owned());
        let cases = [
            ("$", Some(vec![])),
            ("$.a.b", Some(vec![member("a"), member("b")])),
            ("$['a b'][\"c\"]", Some(vec![member("a b"), member("c")])),
            ("$['it\\'s']", Some(vec![member("it's")])),
            ("$.list[2].x", Some(vec![member("list"), Step::Element(2), member("x")])),
            ("$.größe", Some(vec![member("größe")])),
            ("a", None),
            ("$.", None),
            ("$.*", None),
            ("$..a", None),
            ("$[", None),
            ("$[-1]", None),
            ("$['a", None),
            ("$['a'", None),
            ("$['a\\", None),
            ("$x", None),
        ];
        for (path, expected) in cases {
            assert_eq!(steps(path), expected, "{path}");
        }
        assert_eq!(steps(&format!("${}", ".a".repeat(DEEPEST))).unwrap().len(), DEEPEST);
        assert_eq!(steps(&format!("${}", ".a".repeat(DEEPEST + 1))), None);
    }

    const SLOT: Slot = Slot { choice: 0, item: 0, part: 0, kind: SlotKind::ToolCall };

    /// The arguments so far, and at their end.
    fn arrive(answer: &mut Answer, pieces: &[(&str, Value)]) -> (String, Vec<String>) {
        answer.call(SLOT, None, Some("f"));
        for (path, value) in pieces {
            answer.arrive(SLOT, path, Some(value));
        }
        let mut exchange = crate::Exchange::new(
            crate::ExchangeSeq(0),
            crate::Role::Client,
            crate::Protocol::Http1,
            crate::Timestamp(0),
        );
        answer.fill(&mut exchange);
        let so_far = exchange.response.tool_calls.last().unwrap().arguments.clone();
        answer.arrive_whole();
        answer.fill(&mut exchange);
        assert_eq!(exchange.response.tool_calls.last().unwrap().arguments, so_far);
        (so_far, exchange.findings.iter().map(|finding| finding.kind.to_owned()).collect())
    }

    #[test]
    fn values_stand_where_their_paths_say() {
        let pieces = [
            ("$.city", json!("New ")),
            ("$.city", json!("York")),
            ("$.days", json!(3)),
            ("$.where.lat", json!(1.5)),
            ("$.list[0]", json!("a")),
            ("$.list[1]", json!(true)),
        ];
        let expected = r#"{"city":"New York","days":3,"where":{"lat":1.5},"list":["a",true]}"#;
        assert_eq!(arrive(&mut Answer::default(), &pieces), (expected.to_owned(), vec![]));
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_said() {
        let broken = vec!["broken_arguments".to_owned()];
        for (path, value) in [("$.a.b", json!(1)), ("$.list[7]", json!(1)), ("$.a", json!(2))] {
            let pieces = [("$.a", json!(1)), (path, value)];
            let (arguments, findings) = arrive(&mut Answer::default(), &pieces);
            assert!(arguments.starts_with(r#"{"a":1"#), "{path}: {arguments}");
            assert_eq!(findings, broken, "{path}");
        }
        let long = "x".repeat(200);
        let mut small = Answer::with_limit(700);
        let (arguments, findings) =
            arrive(&mut small, &[("$.a", json!(long)), ("$.b", json!(long))]);
        assert_eq!(arguments, json!({ "a": long }).to_string());
        assert_eq!(findings, ["answer_truncated"]);
    }
}
