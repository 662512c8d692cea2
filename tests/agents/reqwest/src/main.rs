//! Asks a model API with reqwest, and prints what came back.
//!
//! reqwest-client --base=URL --marker=M [--calls=N]

use std::error::Error;

#[cfg(feature = "ring-0.21")]
use reqwest_0_11 as reqwest;

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "ring")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[cfg(feature = "aws-lc")]
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let base = option("--base=").ok_or("--base=URL is missing")?;
    let marker = option("--marker=").ok_or("--marker=M is missing")?;
    let calls: usize = option("--calls=").map_or(Ok(1), |calls| calls.parse())?;
    let client = client()?;
    for call in 0..calls {
        let body = format!(
            r#"{{"model":"gpt-4.1-mini","messages":[{{"role":"user","content":"marker={marker}-{call}"}}],"stream":true,"stream_options":{{"include_usage":true}}}}"#
        );
        let request = client.post(format!("{base}/v1/chat/completions"));
        let answer = request.header("content-type", "application/json").body(body).send()?;
        print!("{}", answer.text()?);
    }
    Ok(())
}

fn option(name: &str) -> Option<String> {
    std::env::args().find_map(|argument| argument.strip_prefix(name).map(str::to_owned))
}

fn client() -> Result<reqwest::blocking::Client, Box<dyn Error>> {
    let builder = reqwest::blocking::Client::builder();
    #[cfg(any(feature = "ring", feature = "native-tls", feature = "aws-lc", feature = "ring-0.21"))]
    let builder = match std::env::var_os("SSL_CERT_FILE") {
        Some(file) => builder.add_root_certificate(reqwest::Certificate::from_pem(&std::fs::read(file)?)?),
        None => builder,
    };
    Ok(builder.build()?)
}
