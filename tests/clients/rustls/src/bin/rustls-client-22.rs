//! With rustls 0.22.

use std::net::TcpStream;
use std::sync::Arc;

use rustls_22::pki_types::ServerName;
use rustls_22::version::{TLS12, TLS13};
use rustls_22::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn main() {
    rustls_client::run(|options| {
        let mut roots = RootCertStore::empty();
        for certificate in options.authorities() {
            roots.add(certificate).expect("a usable certificate");
        }
        let version = if options.tls12() { &TLS12 } else { &TLS13 };
        let config = ClientConfig::builder_with_protocol_versions(&[version])
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
