//! Moves messages over rustls between both ends of a connection in this process, and
//! looks at every byte that arrives.
//!
//! mover --certificate=FILE --key=FILE --ca=FILE --calls=N --size=BYTES
//!
//! Begins when its standard input says a line. Prints what was moved, the calls that moved
//! it, and the processor time of all that.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
};

/// On the way at once, at most.
const WINDOW: usize = 32 << 10;

struct End {
    connection: Connection,
    socket: TcpStream,
}

fn option(name: &str) -> String {
    let mut arguments = std::env::args();
    let found = arguments.find_map(|a| Some(a.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
    found.unwrap_or_else(|| panic!("{name}"))
}

fn certificates(file: &str) -> Vec<CertificateDer<'static>> {
    let read = CertificateDer::pem_file_iter(file).expect("certificates");
    read.map(|certificate| certificate.expect("a certificate")).collect()
}

fn ends() -> (End, End) {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&option("--ca")) {
        roots.add(certificate).expect("a usable certificate");
    }
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let key = PrivateKeyDer::from_pem_file(option("--key")).expect("a key");
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates(&option("--certificate")), key)
        .expect("a usable certificate");
    let name = ServerName::try_from("localhost").expect("a name");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let near = TcpStream::connect(listener.local_addr().expect("an address")).expect("itself");
    let (far, _) = listener.accept().expect("itself");
    near.set_nodelay(true).expect("TCP");
    far.set_nodelay(true).expect("TCP");
    let client = ClientConnection::new(Arc::new(client), name).expect("a connection");
    let server = ServerConnection::new(Arc::new(server)).expect("a connection");
    let mut client = End { connection: client.into(), socket: near };
    let mut server = End { connection: server.into(), socket: far };
    while client.connection.is_handshaking() || server.connection.is_handshaking() {
        client.flush();
        server.take();
        server.flush();
        client.take();
    }
    (client, server)
}

impl End {
    fn flush(&mut self) {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket).expect("a write");
        }
    }

    fn take(&mut self) {
        if self.connection.read_tls(&mut self.socket).expect("a read") > 0 {
            self.connection.process_new_packets().expect("records");
        }
    }
}

/// Sends so many messages, each a record and a write of its own.
fn send(from: &mut End, to: &mut End, message: &[u8], count: usize) {
    for _ in 0..count {
        from.connection.writer().write_all(message).expect("a write");
        from.flush();
    }
    let mut got = vec![0; message.len() * count];
    let mut length = 0;
    while length < got.len() {
        match to.connection.reader().read(&mut got[length..]) {
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => to.take(),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(got.chunks(message.len()).all(|part| part == message), "other bytes arrived");
}

/// Seconds that this, the only thread, has had.
fn processor_time() -> f64 {
    let said = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    let nanoseconds = said.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e9
}

fn main() {
    let number = |name| option(name).parse::<usize>().expect("a number");
    let (calls, size) = (number("--calls"), number("--size"));
    let message: Vec<u8> = (0..size).map(|at| (at * 7 + at / 256) as u8).collect();
    std::io::stdin().read_line(&mut String::new()).expect("a line");
    let (mut client, mut server) = ends();
    let batch = (WINDOW / size).clamp(1, 64);
    let rounds = calls.div_ceil(4 * batch);
    let started = processor_time();
    for _ in 0..rounds {
        send(&mut client, &mut server, &message, batch);
        send(&mut server, &mut client, &message, batch);
    }
    let (calls, seconds) = (rounds * 4 * batch, processor_time() - started);
    println!("{{\"moved\": {}, \"calls\": {calls}, \"seconds\": {seconds}}}", calls * size);
}
