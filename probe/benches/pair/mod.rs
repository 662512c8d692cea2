//! The working end: two TLS objects of the system's libssl, found by name and
//! without its headers.
#![expect(unsafe_code, reason = "calls OpenSSL")]

use std::ffi::{CString, c_char, c_int, c_long, c_void};
use std::io::BufRead;
use std::time::{Duration, Instant};

use libloading::{Library, Symbol};

type Ptr = *mut c_void;

/// Names the library on stdout; then, for each size on stdin, prints the median
/// of what a pair takes.
pub(super) fn serve() {
    // SAFETY: loading OpenSSL runs its initialisers, which have no preconditions.
    let (ssl, crypto) =
        unsafe { (Library::new("libssl.so.3").unwrap(), Library::new("libcrypto.so.3").unwrap()) };
    let pair = Pair::new(&ssl, &crypto);
    println!("{}", mapped("libssl.so"));
    for line in std::io::stdin().lock().lines() {
        println!("{}", pair.median(line.unwrap().parse().unwrap()));
    }
}

/// The path of a library this process has mapped.
fn mapped(name: &str) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains(name)).unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

struct Pair<'a> {
    client: Ptr,
    server: Ptr,
    write: Symbol<'a, unsafe extern "C" fn(Ptr, *const c_void, c_int) -> c_int>,
    read: Symbol<'a, unsafe extern "C" fn(Ptr, *mut c_void, c_int) -> c_int>,
}

impl<'a> Pair<'a> {
    fn new(ssl: &'a Library, crypto: &'a Library) -> Self {
        const SET_MAX_PROTO_VERSION: c_int = 124;
        const SET_DH_AUTO: c_int = 118;
        const TLS1_2: c_long = 0x303;
        // SAFETY: the documented signatures of OpenSSL 3, and objects that live
        // until the process ends.
        unsafe {
            let tls_method: Symbol<'_, unsafe extern "C" fn() -> Ptr> =
                ssl.get(b"TLS_method").unwrap();
            let ctx_new: Symbol<'_, unsafe extern "C" fn(Ptr) -> Ptr> =
                ssl.get(b"SSL_CTX_new").unwrap();
            let ctx_ctrl: Symbol<'_, unsafe extern "C" fn(Ptr, c_int, c_long, Ptr) -> c_long> =
                ssl.get(b"SSL_CTX_ctrl").unwrap();
            let ciphers: Symbol<'_, unsafe extern "C" fn(Ptr, *const c_char) -> c_int> =
                ssl.get(b"SSL_CTX_set_cipher_list").unwrap();
            let new: Symbol<'_, unsafe extern "C" fn(Ptr) -> Ptr> = ssl.get(b"SSL_new").unwrap();
            let set_bio: Symbol<'_, unsafe extern "C" fn(Ptr, Ptr, Ptr)> =
                ssl.get(b"SSL_set_bio").unwrap();
            let connect: Symbol<'_, unsafe extern "C" fn(Ptr)> =
                ssl.get(b"SSL_set_connect_state").unwrap();
            let accept: Symbol<'_, unsafe extern "C" fn(Ptr)> =
                ssl.get(b"SSL_set_accept_state").unwrap();
            let handshake: Symbol<'_, unsafe extern "C" fn(Ptr) -> c_int> =
                ssl.get(b"SSL_do_handshake").unwrap();
            let bio_new: Symbol<'_, unsafe extern "C" fn(Ptr) -> Ptr> =
                crypto.get(b"BIO_new").unwrap();
            let bio_mem: Symbol<'_, unsafe extern "C" fn() -> Ptr> =
                crypto.get(b"BIO_s_mem").unwrap();
            let up_ref: Symbol<'_, unsafe extern "C" fn(Ptr) -> c_int> =
                crypto.get(b"BIO_up_ref").unwrap();

            let context = ctx_new(tls_method());
            // Without certificates: what is measured comes after the handshake.
            let anonymous = CString::new("ADH-AES128-GCM-SHA256:@SECLEVEL=0").unwrap();
            assert_eq!(ciphers(context, anonymous.as_ptr()), 1);
            ctx_ctrl(context, SET_MAX_PROTO_VERSION, TLS1_2, std::ptr::null_mut());
            ctx_ctrl(context, SET_DH_AUTO, 1, std::ptr::null_mut());
            let (client, server) = (new(context), new(context));
            let (there, back) = (bio_new(bio_mem()), bio_new(bio_mem()));
            up_ref(there);
            up_ref(back);
            set_bio(client, back, there);
            set_bio(server, there, back);
            connect(client);
            accept(server);
            let mut done = false;
            for _ in 0..20 {
                done = handshake(client) == 1 && handshake(server) == 1;
                if done {
                    break;
                }
                handshake(server);
            }
            assert!(done, "the handshake did not end");
            Self {
                client,
                server,
                write: ssl.get(b"SSL_write").unwrap(),
                read: ssl.get(b"SSL_read").unwrap(),
            }
        }
    }

    /// The median of batches, nanoseconds a pair.
    fn median(&self, size: usize) -> u64 {
        const BATCH: u32 = 64;
        const TIME: Duration = Duration::from_millis(400);
        let (sent, mut got) = (vec![b'x'; size], vec![0; size]);
        let length = c_int::try_from(size).unwrap();
        let mut times = Vec::new();
        let start = Instant::now();
        while start.elapsed() < TIME {
            let batch = Instant::now();
            for _ in 0..BATCH {
                // SAFETY: the objects live, the buffers are as long as said.
                unsafe {
                    assert_eq!((self.write)(self.client, sent.as_ptr().cast(), length), length);
                    assert_eq!((self.read)(self.server, got.as_mut_ptr().cast(), length), length);
                }
            }
            times.push(batch.elapsed() / BATCH);
        }
        assert_eq!(sent, got);
        times.sort_unstable();
        u64::try_from(times[times.len() / 2].as_nanos()).unwrap()
    }
}
