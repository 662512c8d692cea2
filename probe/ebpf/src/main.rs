//! llmtop's kernel programs: what each answers is said where it lives, and
//! docs/kernel-programs.md has the map. They copy and count; what bytes mean is
//! the user side's to say.
#![no_std]
#![no_main]

mod calls;
mod connect;
mod conns;
mod copying;
mod deliver;
mod descriptors;
mod emit;
mod empty;
mod file;
mod filter;
mod gnutls;
#[cfg(bpf_target_arch = "x86_64")]
mod go;
mod http;
mod interest;
mod keys;
mod maps;
mod memory;
mod nss;
mod openssl;
mod plain;
mod process;
mod records;
mod rustls;
mod socket;
mod stdio;
mod syscall;
mod unfinished;

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // Nothing panics: the verifier would refuse an endless loop.
    loop {}
}
