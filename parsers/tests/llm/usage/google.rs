//! Google's APIs.

use serde_json::json;

use super::{Stream, Whole, check, gemini, plain, unwritten};

#[test]
fn google() {
    check(&[
        // The prompt holds the 200 of the cache (nobody tells what is written),
        // thoughts come on top: 300 + 100.
        (
            "gemini",
            "google.gemini",
            Whole(gemini(json!({"promptTokenCount": 1250, "cachedContentTokenCount": 200,
                "candidatesTokenCount": 300, "thoughtsTokenCount": 100,
                "totalTokenCount": 1650}))),
            unwritten([1250, 400, 200, 100]),
        ),
        // The last of growing figures; what tools fed back is input: 1200 + 50.
        (
            "gemini, streamed, with a tool of its own",
            "google.gemini",
            Stream(vec![
                json!({"candidates": [{"content": {"parts": [{"text": "H"}]}}], "usageMetadata": {
                    "promptTokenCount": 1200, "candidatesTokenCount": 1, "totalTokenCount": 1201}}),
                gemini(json!({"promptTokenCount": 1200, "toolUsePromptTokenCount": 50,
                    "candidatesTokenCount": 300, "thoughtsTokenCount": 100,
                    "totalTokenCount": 1650})),
            ]),
            (Some(1250), Some(400), None, None, Some(100)),
        ),
        // No candidate was begun: 0 + 100.
        (
            "gemini, all spent on thoughts",
            "google.gemini",
            Whole(json!({"candidates": [{"finishReason": "MAX_TOKENS"}], "usageMetadata": {
                "promptTokenCount": 1250, "thoughtsTokenCount": 100, "totalTokenCount": 1350}})),
            (Some(1250), Some(100), None, None, Some(100)),
        ),
        (
            "code assist",
            "google.gemini",
            Stream(vec![json!({"response": gemini(json!({"promptTokenCount": 1250,
                "candidatesTokenCount": 400, "totalTokenCount": 1650}))})]),
            plain(1250, 400),
        ),
        (
            "a count",
            "google.gemini",
            Whole(json!({"totalTokens": 1250, "cachedContentTokenCount": 200})),
            (Some(1250), None, Some(200), None, None),
        ),
        // As Gemini: 1200 + 50 in, 300 + 100 out.
        (
            "live",
            "google.live",
            Stream(vec![json!({"serverContent": {"turnComplete": true}, "usageMetadata": {
                "promptTokenCount": 1200, "cachedContentTokenCount": 200,
                "toolUsePromptTokenCount": 50, "responseTokenCount": 300,
                "thoughtsTokenCount": 100, "totalTokenCount": 1650}})]),
            unwritten([1250, 400, 200, 100]),
        ),
        (
            "interactions",
            "google.interactions",
            Stream(vec![json!({"event_type": "interaction.completed", "interaction": {
                "id": "i", "status": "completed", "usage": {"total_input_tokens": 1200,
                    "total_cached_tokens": 200, "total_tool_use_tokens": 50,
                    "total_output_tokens": 300, "total_thought_tokens": 100,
                    "total_tokens": 1650}}})]),
            unwritten([1250, 400, 200, 100]),
        ),
    ]);
}
