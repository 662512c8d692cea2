//! Who serves an API.
//!
//! A provider is named by its host, or by response headers that only it sends.
//! Request headers and paths say which API the client speaks, not who answers:
//! a gateway or a local server on another host has no provider here until its
//! response tells. Names are OpenTelemetry's `gen_ai.provider.name`; those it
//! does not list are the usual short ones.

/// Hosts, and any subdomain of them.
const HOSTS: &[(&str, &str)] = &[
    ("openai.azure.com", "azure.ai.openai"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("models.ai.azure.com", "azure.ai.inference"),
    ("openai.com", "openai"),
    ("chatgpt.com", "openai"),
    ("anthropic.com", "anthropic"),
    ("claude.ai", "anthropic"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("claude.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.us.rep.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.eu.rep.googleapis.com", "gcp.vertex_ai"),
    ("cloudcode-pa.googleapis.com", "gcp.gen_ai"),
    ("daily-cloudcode-pa.googleapis.com", "gcp.gen_ai"),
    ("daily-cloudcode-pa.sandbox.googleapis.com", "gcp.gen_ai"),
    ("api.aws", "aws.bedrock"),
    ("groq.com", "groq"),
    ("deepseek.com", "deepseek"),
    ("mistral.ai", "mistral_ai"),
    ("x.ai", "x_ai"),
    ("grok.com", "x_ai"),
    ("perplexity.ai", "perplexity"),
    ("cohere.com", "cohere"),
    ("ollama.com", "ollama"),
    ("cohere.ai", "cohere"),
    ("cursor.sh", "cursor"),
    ("openrouter.ai", "openrouter"),
    ("together.xyz", "together"),
    ("together.ai", "together"),
    ("fireworks.ai", "fireworks"),
    ("cerebras.ai", "cerebras"),
    ("deepinfra.com", "deepinfra"),
    ("githubcopilot.com", "github_copilot"),
    ("githubusercontent.com", "github_copilot"),
    ("models.github.ai", "github_models"),
    ("huggingface.co", "huggingface"),
    ("huggingface.cloud", "huggingface"),
    ("dashscope.aliyuncs.com", "alibaba"),
    ("dashscope-intl.aliyuncs.com", "alibaba"),
    ("moonshot.cn", "moonshot"),
    ("moonshot.ai", "moonshot"),
    ("bigmodel.cn", "zai"),
    ("z.ai", "zai"),
    ("minimax.io", "minimax"),
    ("minimaxi.com", "minimax"),
    ("watsonx.ai", "ibm.watsonx.ai"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
];

/// Response headers that one provider alone sends. The prefixes of names, lower
/// case. Azure before OpenAI, whose headers it passes on.
const RESPONSE_HEADERS: &[(&str, &str)] = &[
    ("apim-request-id", "azure.ai.openai"),
    ("azureml-model-session", "azure.ai.openai"),
    ("x-amzn-bedrock-", "aws.bedrock"),
    ("anthropic-organization-id", "anthropic"),
    ("anthropic-ratelimit-", "anthropic"),
    ("openai-processing-ms", "openai"),
    ("openai-organization", "openai"),
    ("x-groq-", "groq"),
    ("x-compute-type", "huggingface"),
];

/// The provider at a host (lower case, no port).
pub fn of_host(host: &str) -> Option<&'static str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    // Every AWS service shares one domain; the first label tells.
    if host.starts_with("bedrock") && host.ends_with(".amazonaws.com") {
        return Some("aws.bedrock");
    }
    if host.ends_with("-aiplatform.googleapis.com") {
        return Some("gcp.vertex_ai");
    }
    HOSTS.iter().find(|(domain, _)| is_within(host, domain)).map(|(_, name)| *name)
}

/// The provider that response headers give away.
pub fn of_response(headers: &[(String, String)]) -> Option<&'static str> {
    RESPONSE_HEADERS.iter().find_map(|(prefix, provider)| {
        let sent = headers.iter().any(|(name, _)| {
            name.as_bytes()
                .get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
        });
        sent.then_some(*provider)
    })
}

fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_providers() {
        let cases = [
            ("api.openai.com", Some("openai")),
            ("chatgpt.com", Some("openai")),
            ("notopenai.com", None),
            ("openai.com.evil.example", None),
            ("my-res.openai.azure.com", Some("azure.ai.openai")),
            ("api.anthropic.com", Some("anthropic")),
            ("api.groq.com", Some("groq")),
            ("api.x.ai", Some("x_ai")),
            ("netflix.ai", None),
            ("bedrock-runtime.eu-west-1.amazonaws.com", Some("aws.bedrock")),
            ("s3.amazonaws.com", None),
            ("us-east5-aiplatform.googleapis.com", Some("gcp.vertex_ai")),
            ("openrouter.ai", Some("openrouter")),
            ("127.0.0.1", None),
            ("", None),
        ];
        for (host, provider) in cases {
            assert_eq!(of_host(host), provider, "{host}");
        }
    }

    #[test]
    fn response_headers_name_providers() {
        let headers = |names: &[&str]| -> Vec<(String, String)> {
            names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect()
        };
        let cases: [(&[&str], _); 5] = [
            (&["Anthropic-Organization-Id"], Some("anthropic")),
            (&["openai-processing-ms", "apim-request-id"], Some("azure.ai.openai")),
            (&["openai-processing-ms"], Some("openai")),
            (&["content-type", "request-id", "x"], None),
            (&[], None),
        ];
        for (names, provider) in cases {
            assert_eq!(of_response(&headers(names)), provider, "{names:?}");
        }
    }
}
