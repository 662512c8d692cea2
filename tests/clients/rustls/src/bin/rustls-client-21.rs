//! With rustls 0.21.

use std::net::TcpStream;
use std::sync::Arc;

use rustls_21::version::{TLS12, TLS13};
use rustls_21::{Certificate, ClientConfig, ClientConnection, RootCertStore, ServerName, StreamOwned};

fn main() {
    rustls_client::run(|options| {
        let mut roots = RootCertStore::empty();
        for certificate in options.authorities() {
            roots.add(&Certificate(certificate.to_vec())).expect("a usable certificate");
        }
        let version = if options.tls12() { &TLS12 } else { &TLS13 };
        let config = ClientConfig::builder()
            .with_safe_default_cipher_suites()
            .with_safe_default_kx_groups()
            .with_protocol_versions(&[version])
            .expect("what it knows")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        move |socket: TcpStream| {
            let name = ServerName::try_from("localhost").expect("a name");
            let connection = ClientConnection::new(Arc::clone(&config), name);
            StreamOwned::new(connection.expect("a connection"), socket)
        }
    });
}
