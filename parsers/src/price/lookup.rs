//! Which entry of the table a model of an exchange is.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{ANY_PROVIDER, Providers};

/// How provider and model of an exchange led to a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The provider's own price for this very id.
    Exact,
    /// The provider's price for the same model under another date, version or
    /// region.
    Similar,
    /// Another provider's price for the model: whose price applies is not
    /// known, or has no entry.
    ModelAlone,
}

impl Match {
    /// Whether the price is taken from something other than the id named.
    pub fn is_fuzzy(self) -> bool {
        self != Match::Exact
    }
}

/// Names a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) provider: String,
    pub(super) model: String,
    /// How much was taken off the id to reach the form it is indexed by.
    taken: usize,
}

/// Providers whose prices are those of another name's table.
const SAME_PRICES: &[(&str, &str)] =
    &[("azure.ai.inference", "azure.ai.openai"), ("gcp.gen_ai", "gcp.gemini")];

/// How the vendors' own model ids begin.
const VENDORS: &[(&str, &str)] = &[
    ("chatgpt", "openai"),
    ("claude", "anthropic"),
    ("codestral", "mistral_ai"),
    ("codex", "openai"),
    ("command", "cohere"),
    ("deepseek", "deepseek"),
    ("devstral", "mistral_ai"),
    ("gemini", "gcp.gemini"),
    ("gemma", "gcp.gemini"),
    ("glm", "zai"),
    ("gpt", "openai"),
    ("grok", "x_ai"),
    ("kimi", "moonshot"),
    ("magistral", "mistral_ai"),
    ("minimax", "minimax"),
    ("ministral", "mistral_ai"),
    ("mistral", "mistral_ai"),
    ("nova", "aws.bedrock"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("open-mi", "mistral_ai"),
    ("pixtral", "mistral_ai"),
    ("qvq", "alibaba"),
    ("qwen", "alibaba"),
    ("qwq", "alibaba"),
    ("sonar", "perplexity"),
    ("text-embedding", "openai"),
];

/// Providers that sell others' models at prices of their own making.
const RESELLERS: &[&str] = &["github_copilot", "openrouter"];

/// Bedrock's inference profiles begin with where they run.
const REGIONS: &[&str] =
    &["us.", "eu.", "ap.", "apac.", "au.", "ca.", "jp.", "sa.", "us-gov.", "global."];

/// Bedrock names the vendor before a full stop.
const DOTTED: &[&str] = &[
    "ai21.",
    "amazon.",
    "anthropic.",
    "cohere.",
    "deepseek.",
    "google.",
    "meta.",
    "minimax.",
    "mistral.",
    "moonshot.",
    "moonshotai.",
    "nvidia.",
    "openai.",
    "qwen.",
    "stability.",
    "writer.",
    "xai.",
    "zai.",
];

/// OpenRouter's variants that change routing, not the model. Not `:free`: what
/// is free has a price of its own, 0, and lends it to nobody.
const VARIANTS: &[&str] =
    &[":beta", ":exacto", ":extended", ":floor", ":nitro", ":online", ":thinking"];

/// Every entry under each form of its id.
pub(super) fn index(providers: &Providers) -> HashMap<String, Vec<Entry>> {
    let mut index: HashMap<String, Vec<Entry>> = HashMap::new();
    for (provider, models) in providers {
        for model in models.keys() {
            for (taken, form) in forms(model, false).into_iter().enumerate() {
                let entry = Entry { provider: provider.clone(), model: model.clone(), taken };
                index.entry(form).or_default().push(entry);
            }
        }
    }
    index
}

/// The entry for a model, and how it was found.
pub(super) fn find<'a>(
    providers: &Providers,
    index: &'a HashMap<String, Vec<Entry>>,
    provider: Option<&str>,
    model: &str,
) -> Option<(&'a Entry, Match)> {
    let own = |provider: &str| {
        let same = SAME_PRICES.iter().find(|(name, _)| *name == provider);
        match same {
            Some((_, other)) if !providers.contains_key(provider) => (*other).to_owned(),
            _ => provider.to_owned(),
        }
    };
    let provider = provider.map(own);
    let forms = forms(model, true);
    let candidates: Vec<(usize, &Entry)> = forms
        .iter()
        .enumerate()
        .flat_map(|(taken, form)| index.get(form).into_iter().flatten().map(move |e| (taken, e)))
        .collect();
    let whose = |entry: &Entry| {
        provider.as_deref() == Some(entry.provider.as_str()) || entry.provider == ANY_PROVIDER
    };
    // What the user says of any provider is said of this one.
    let best = |own: bool| {
        candidates.iter().filter(|(_, entry)| whose(entry) == own).min_by_key(|(taken, entry)| {
            // One's own: the nearest id. Others': the nearest provider.
            let rank = if own { 0 } else { rank(&entry.provider, &forms) };
            let wildcard = entry.provider == ANY_PROVIDER;
            let newest = Reverse(entry.model.as_str());
            let id = (*taken, wildcard, entry.taken, entry.model != model, newest);
            (rank, id, entry.provider.as_str())
        })
    };
    let (own, (taken, entry)) = match best(true) {
        Some(found) => (true, found),
        None => (false, best(false)?),
    };
    let matched = match own {
        true if *taken == 0 && entry.taken == 0 => Match::Exact,
        true => Match::Similar,
        false => Match::ModelAlone,
    };
    Some((entry, matched))
}

/// Whose price stands in for an unknown provider's: the model's own vendor's,
/// then any, the resellers' last.
fn rank(provider: &str, forms: &[String]) -> usize {
    let bare = forms.last().map_or("", String::as_str);
    let vendor = VENDORS.iter().find(|(prefix, _)| bare.starts_with(prefix));
    match vendor {
        Some((_, vendor)) if *vendor == provider => 0,
        _ if RESELLERS.contains(&provider) => 2,
        _ => 1,
    }
}

/// A model id and what is left of it step by step: without path and vendor,
/// without region, without variant, version and date. A step that takes
/// nothing adds no form.
fn forms(model: &str, variants: bool) -> Vec<String> {
    let whole = model.trim().to_lowercase();
    let mut forms = vec![whole.clone()];
    let mut rest = whole.trim_start_matches('~');
    let mut push = |form: &str| {
        // Numbers are written 4.5 here and 4-5 there.
        let form = dashed(form);
        if forms.last() != Some(&form) {
            forms.push(form);
        }
    };
    rest = rest.rsplit('/').next().unwrap_or(rest);
    push(rest);
    let path = rest;
    rest = strip_any_prefix(rest, REGIONS);
    push(rest);
    rest = strip_any_prefix(rest, DOTTED);
    push(rest);
    let bedrock = rest.len() < path.len();
    if variants {
        rest = VARIANTS.iter().find_map(|variant| rest.strip_suffix(variant)).unwrap_or(rest);
        push(rest);
    }
    rest = rest.split('@').next().unwrap_or(rest);
    rest = strip_revision(rest, bedrock);
    push(rest);
    for suffix in ["-latest", "-maas", "-default"] {
        rest = rest.strip_suffix(suffix).unwrap_or(rest);
    }
    rest = strip_date(rest);
    push(rest);
    forms
}

fn strip_any_prefix<'a>(id: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes.iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id)
}

/// Without Bedrock's `-v1:0`, `-v1` or `:0`. Elsewhere a version at the end is the model's
/// own: DeepSeek's V3 is not its V2.
fn strip_revision(id: &str, bedrock: bool) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (id, revised) = match id.rsplit_once(':') {
        Some((rest, revision)) if digits(revision) => (rest, true),
        _ => (id, false),
    };
    match id.rsplit_once("-v") {
        Some((rest, "1")) if bedrock => rest,
        Some((rest, version)) if revised && digits(version) => rest,
        _ => id,
    }
}

/// Without `-20250929` or `-2024-08-06` at the end.
fn strip_date(id: &str) -> &str {
    for pattern in ["-dddddddd", "-dddd-dd-dd"] {
        let Some(at) = id.len().checked_sub(pattern.len()) else {
            continue;
        };
        let fits = |(byte, wanted): (u8, u8)| match wanted {
            b'd' => byte.is_ascii_digit(),
            wanted => byte == wanted,
        };
        if at > 0 && id.as_bytes()[at..].iter().copied().zip(pattern.bytes()).all(fits) {
            return &id[..at];
        }
    }
    id
}

fn dashed(id: &str) -> String {
    let bytes = id.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    id.char_indices()
        .map(|(at, character)| match character {
            '.' if digit(at.checked_sub(1)) && digit(Some(at + 1)) => '-',
            other => other,
        })
        .collect()
}
