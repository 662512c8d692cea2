//! The SDKs of many vendors, and what refusals look like to them.

use crate::calls::{CHAT, Case, MESSAGES, check};
use crate::harness::Tool;

const GEMINI: &str = "google.gemini";
const COHERE: &str = "cohere.chat";
const OLLAMA: &str = "ollama.chat";
const CONVERSE: &str = "bedrock.converse";

const GOOGLE: &[Case] = &[
    (Tool::Python("google-genai"), GEMINI, false, "reasoning=1 tools=1"),
    (Tool::Python("google-genai"), GEMINI, true, "reasoning=1 tools=1"),
    (Tool::Python("google-genai"), GEMINI, true, "status=429"),
];

const COHERE_AND_OLLAMA: &[Case] = &[
    (Tool::Python("cohere"), COHERE, false, "tools=1"),
    (Tool::Python("cohere"), COHERE, true, "tools=2"),
    (Tool::Python("cohere"), COHERE, true, "status=429"),
    (Tool::Python("ollama"), OLLAMA, false, ""),
    (Tool::Python("ollama"), OLLAMA, true, "tools=1"),
];

const MISTRAL_AND_LITELLM: &[Case] = &[
    (Tool::Python("mistralai"), CHAT, false, "gzip=1"),
    (Tool::Python("mistralai"), CHAT, true, "tools=1"),
    (Tool::Python("litellm"), CHAT, true, ""),
    (Tool::Python("litellm"), MESSAGES, false, "tools=1"),
];

const BEDROCK: &[Case] = &[
    (Tool::Python("boto3"), CONVERSE, false, "reasoning=1 tools=1"),
    (Tool::Python("boto3"), CONVERSE, true, "reasoning=1 tools=2"),
    (Tool::Python("boto3"), CONVERSE, true, "status=429"),
    (Tool::Python("boto3-invoke"), MESSAGES, false, ""),
    (Tool::Python("boto3-invoke"), MESSAGES, true, "tools=1"),
];

#[test]
fn google() {
    check(GOOGLE);
}

#[test]
fn cohere_and_ollama() {
    check(COHERE_AND_OLLAMA);
}

#[test]
fn mistral_and_litellm() {
    check(MISTRAL_AND_LITELLM);
}

#[test]
fn bedrock() {
    check(BEDROCK);
}
