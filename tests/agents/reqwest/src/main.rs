//! Asks a model API with reqwest, and prints what came back.
//!
//! reqwest-client --base=URL --marker=M [--calls=N] [--tls12]

use std::error::Error;

#[cfg(feature = "rustls-0.21")]
use reqwest_0_11 as reqwest;
#[cfg(feature = "rustls-0.22")]
use reqwest_0_12 as reqwest;

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
    let mut builder = reqwest::blocking::Client::builder();
    if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
        let authority = reqwest::Certificate::from_pem(&std::fs::read(file)?)?;
        #[cfg(any(feature = "rustls-0.21", feature = "rustls-0.22"))]
        let trusting = builder.add_root_certificate(authority);
        #[cfg(not(any(feature = "rustls-0.21", feature = "rustls-0.22")))]
        let trusting = builder.tls_certs_only([authority]);
        builder = trusting;
    }
    if option("--tls12").is_some() {
        builder = builder.max_tls_version(reqwest::tls::Version::TLS_1_2);
    }
    Ok(builder.build()?)
}
