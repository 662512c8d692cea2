//! What tiers of service cost that are not the standard one.

/// Providers that sell a tier at one share of all their prices:
///
/// - OpenAI's flex processing at the prices of its Batch API, half of the standard ones
///   (<https://developers.openai.com/api/docs/guides/flex-processing>); flex at half the
///   price with Google (<https://ai.google.dev/gemini-api/docs/flex-inference>,
///   <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/flex-paygo>), at the same
///   with Groq (<https://console.groq.com/docs/flex-processing>);
/// - Anthropic's batches at half, inference in the USA only at 1.1 times the price
///   (<https://platform.claude.com/docs/en/about-claude/pricing>).
///
/// What priority costs, and Anthropic's fast mode, differs by model; of Bedrock's flex it
/// is only said that it costs less.
const SHARES: &[(&str, &str, f64)] = &[
    ("anthropic", "batch", 0.5),
    ("anthropic", "us", 1.1),
    // What a plan pays for is shown at what it would cost without it, as with others.
    ("gcp.gen_ai", "provisioned_throughput", 1.0),
    ("gcp.gemini", "flex", 0.5),
    ("gcp.vertex_ai", "flex", 0.5),
    ("groq", "flex", 1.0),
    ("openai", "flex", 0.5),
];

/// What share of the standard price is paid for a tier. `None`: nobody knows.
pub(super) fn share(provider: Option<&str>, tier: Option<&str>) -> Option<f64> {
    let Some(tier) = tier else { return Some(1.0) };
    let known = |(whose, name, _): &&(&str, &str, f64)| provider == Some(whose) && tier == *name;
    SHARES.iter().find(known).map(|(_, _, share)| *share)
}
