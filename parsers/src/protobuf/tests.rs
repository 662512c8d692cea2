//! Messages, written by an encoder of its own, read back.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Reading, method};

/// A value as one would write it by hand.
#[derive(Clone, Debug)]
enum Put {
    Varint(u64),
    Double(f64),
    Float(f32),
    Text(&'static str),
    Message(Vec<(u32, Put)>),
}

use Put::{Double, Float, Message, Text, Varint};

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn bytes(kind: u32, number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    varint((number << 3 | kind).into(), out);
    if kind == 2 {
        varint(bytes.len() as u64, out);
    }
    out.extend_from_slice(bytes);
}

fn message(fields: &[(u32, Put)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, put) in fields {
        match put {
            Varint(value) => {
                varint((number << 3).into(), &mut out);
                varint(*value, &mut out);
            }
            Double(value) => bytes(1, *number, &value.to_le_bytes(), &mut out),
            Float(value) => bytes(5, *number, &value.to_le_bytes(), &mut out),
            Text(text) => bytes(2, *number, text.as_bytes(), &mut out),
            Message(fields) => bytes(2, *number, &message(fields), &mut out),
        }
    }
    out
}

fn read(reading: Reading, fields: &[(u32, Put)]) -> Value {
    let read = reading.read(&message(fields));
    assert_eq!(read.problem, None);
    serde_json::from_str(&read.json).unwrap()
}

/// `google.protobuf.Struct` of one member.
fn structure(key: &'static str, value: Put) -> Put {
    Message(vec![(1, Message(vec![(1, Text(key)), (2, value)]))])
}

fn request() -> Vec<(u32, Put)> {
    let schema = Message(vec![
        (1, Varint(6)),
        (7, Message(vec![(1, Text("city")), (2, Message(vec![(1, Varint(1)), (21, Varint(9))]))])),
        (7, Message(vec![(1, Text("day")), (2, Message(vec![(1, Varint(3))]))])),
        (8, Text("city")),
    ]);
    vec![
        (1, Text("models/gemini-2.5-flash")),
        (8, Message(vec![(1, Message(vec![(2, Text("Be brief."))]))])),
        (2, Message(vec![(1, Message(vec![(2, Text("Weather?"))])), (2, Text("user"))])),
        (
            2,
            Message(vec![
                (
                    1,
                    Message(vec![(
                        4,
                        Message(vec![
                            (1, Text("weather")),
                            (2, structure("city", Message(vec![(3, Text("Oslo"))]))),
                        ]),
                    )]),
                ),
                (2, Text("model")),
            ]),
        ),
        (5, Message(vec![(1, Message(vec![(1, Text("weather")), (3, schema)]))])),
        (5, Message(vec![(4, Message(vec![]))])),
        (
            4,
            Message(vec![
                (5, Float(0.7)),
                (4, Varint(64)),
                // Packed: TEXT, AUDIO.
                (20, Text("\u{1}\u{3}")),
                (22, Message(vec![(1, Varint(1)), (2, Varint(-1_i64 as u64))])),
            ]),
        ),
        (3, Message(vec![(3, Varint(10)), (4, Varint(3))])),
        (99, Varint(7)),
    ]
}

#[test]
fn requests_are_those_of_the_rest_api() {
    let (known, version) =
        method("/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent")
            .unwrap();
    let path = known.rest_path(version, "models/gemini-2.5-flash");
    assert_eq!(path, "/v1beta/models/gemini-2.5-flash:streamGenerateContent");
    let expected = json!({
        "model": "models/gemini-2.5-flash",
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"parts": [{"text": "Weather?"}], "role": "user"},
            {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}], "role": "model"},
        ],
        "tools": [
            {"functionDeclarations": [{"name": "weather", "parameters": {
                "type": "OBJECT",
                "properties": {"city": {"type": "STRING", "maxItems": "9"}, "day": {"type": "INTEGER"}},
                "required": ["city"],
            }}]},
            {"googleSearch": {}},
        ],
        "generationConfig": {
            "temperature": 0.7, "maxOutputTokens": 64, "responseModalities": ["TEXT", "AUDIO"],
            "thinkingConfig": {"includeThoughts": true, "thinkingBudget": -1},
        },
        "safetySettings": [
            {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "BLOCK_ONLY_HIGH"},
        ],
        "99": 7,
    });
    assert_eq!(read(Reading::As(known.request), &request()), expected);
}

#[test]
fn responses_are_those_of_the_rest_api() {
    let usage = |input: u32, thoughts: u32, cached: u32| {
        Message(vec![
            (1, Varint(10)),
            (2, Varint(4)),
            (3, Varint(20)),
            (cached, Varint(2)),
            (thoughts, Varint(6)),
            (input, Message(vec![(1, Varint(1)), (2, Varint(10))])),
        ])
    };
    let args = Message(vec![
        (1, Message(vec![(1, Text("n")), (2, Message(vec![(2, Double(3.0))]))])),
        (1, Message(vec![(1, Text("x")), (2, Message(vec![(2, Double(0.5))]))])),
        (1, Message(vec![(1, Text("ok")), (2, Message(vec![(4, Varint(1))]))])),
        (1, Message(vec![(1, Text("none")), (2, Message(vec![(1, Varint(0))]))])),
        (
            1,
            Message(vec![
                (1, Text("in")),
                (
                    2,
                    Message(vec![(
                        6,
                        Message(vec![
                            (1, Message(vec![(3, Text("a"))])),
                            (
                                1,
                                Message(vec![(5, structure("b", Message(vec![(2, Double(1.0))])))]),
                            ),
                        ]),
                    )]),
                ),
            ]),
        ),
    ]);
    let expected = json!({
        "candidates": [{
            "content": {"parts": [
                {"text": "Hm.", "thought": true},
                {"functionCall": {"name": "f", "args": {
                    "n": 3, "x": 0.5, "ok": true, "none": null, "in": ["a", {"b": 1}],
                }}},
            ], "role": "model"},
            "finishReason": "STOP",
        }],
        "usageMetadata": {
            "promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 20,
            "cachedContentTokenCount": 2, "thoughtsTokenCount": 6,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
    });
    let gemini = vec![
        (
            1,
            Message(vec![
                (
                    1,
                    Message(vec![
                        (1, Message(vec![(2, Text("Hm.")), (11, Varint(1))])),
                        (1, Message(vec![(4, Message(vec![(1, Text("f")), (2, args.clone())]))])),
                        (2, Text("model")),
                    ]),
                ),
                (2, Varint(1)),
            ]),
        ),
        (3, usage(5, 10, 4)),
        (4, Text("gemini-2.5-flash")),
        (5, Text("r1")),
    ];
    let vertex = vec![
        (
            2,
            Message(vec![
                (
                    2,
                    Message(vec![
                        (2, Message(vec![(1, Text("Hm.")), (10, Varint(1))])),
                        (2, Message(vec![(5, Message(vec![(1, Text("f")), (2, args)]))])),
                        (1, Text("model")),
                    ]),
                ),
                (3, Varint(1)),
            ]),
        ),
        (4, usage(9, 14, 5)),
        (11, Text("gemini-2.5-flash")),
        (13, Text("r1")),
    ];
    for (path, fields) in [
        ("/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent", gemini),
        ("/google.cloud.aiplatform.v1.PredictionService/GenerateContent", vertex),
    ] {
        let (known, _) = method(path).unwrap();
        assert_eq!(read(Reading::As(known.response), &fields), expected, "{path}");
        // And told by itself, where the method was not seen.
        assert_eq!(read(Reading::AnyResponse { asked: false }, &fields), expected, "{path}");
    }
}

#[test]
fn what_is_not_surely_known_is_a_tree() {
    let mut request = request();
    let guessed = read(Reading::AnyRequest, &request);
    assert_eq!(guessed["1"], json!("models/gemini-2.5-flash"), "field 99 is in no such message");
    request.pop();
    assert_eq!(read(Reading::AnyRequest, &request)["model"], json!("models/gemini-2.5-flash"));
    request.remove(0);
    assert!(read(Reading::AnyRequest, &request).get("2").is_some(), "without its model");
    for path in [
        "/google.ai.generativelanguage.v1beta.GenerativeService/GenerateAnswer",
        "/google.ai.generativelanguage.v1beta.x.GenerativeService/GenerateContent",
        "/google.ai.generativelanguage.GenerativeService/GenerateContent",
        "/other.v1beta.GenerativeService/GenerateContent",
        "/",
    ] {
        assert!(method(path).is_none(), "{path}");
    }
}

/// Trees: texts, and numbers of their sizes, at numbers of their own.
fn any_fields() -> impl Strategy<Value = Vec<(u32, Put)>> {
    let texts = &["", "text", "a b", "Grüße", "longer than eight bytes"];
    let leaf = prop_oneof![
        any::<u64>().prop_map(Varint),
        prop::sample::select(&texts[..]).prop_map(Text),
        (1..1000_i32).prop_map(|number| Double(f64::from(number) / 4.0)),
        (1..1000_i32).prop_map(|number| Float(number as f32 / 4.0)),
    ];
    let leaf = (1..2000_u32, leaf).prop_map(|field| vec![field]);
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop::collection::vec((1..2000_u32, inner), 1..4).prop_map(|inner| {
            inner.into_iter().map(|(number, fields)| (number, Message(fields))).collect()
        })
    })
}

/// What a tree reads as.
fn tree(fields: &[(u32, Put)]) -> Value {
    let mut object = Map::new();
    for (number, put) in fields {
        let value = match put {
            Varint(value) => json!(value),
            Double(value) => json!(value),
            Float(value) => json!(value),
            Text(text) => json!(text),
            Message(fields) => tree(fields),
        };
        match object.get_mut(&number.to_string()) {
            None => drop(object.insert(number.to_string(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.clone(), value]),
        }
    }
    Value::Object(object)
}

proptest! {
    /// Whatever is written is read, but for messages whose bytes are a text.
    #[test]
    fn any_tree_is_read(fields in any_fields()) {
        let told = read(Reading::Tree, &fields);
        let is_text = |put: &Put| match put {
            Message(fields) => std::str::from_utf8(&message(fields)).is_ok(),
            _ => false,
        };
        if !fields.iter().any(|(_, put)| is_text(put)) {
            let expected = tree(&fields);
            let same_names = told.as_object().unwrap().keys().eq(expected.as_object().unwrap().keys());
            prop_assert!(same_names, "{} {}", told, expected);
            if !fields.iter().any(|(_, put)| matches!(put, Message(_))) {
                prop_assert_eq!(told, expected);
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in any::<Vec<u8>>()) {
        let (known, _) =
            method("/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent")
                .unwrap();
        for reading in [
            Reading::Tree,
            Reading::AnyRequest,
            Reading::AnyResponse { asked: false },
            Reading::AnyResponse { asked: true },
            Reading::As(known.request),
            Reading::As(known.response),
        ] {
            let read = reading.read(&bytes);
            prop_assert!(serde_json::from_str::<Value>(&read.json).is_ok());
        }
    }
}
