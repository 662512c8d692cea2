//! Which functions they are, by the tables in which they stand.

use super::super::exports::calls;
use super::Functions;
use crate::elf::{Elf, Pointers, Symbol};
use crate::place::{Call, Value};

/// A table of functions; where there may be none, 0.
type Table = [u64; 12];
const ACCEPT: usize = 1;
const CLOSE: usize = 5;
const RECV: usize = 6;
const SEND: usize = 7;
const READ: usize = 8;
const WRITE: usize = 9;
/// `bind`, `listen`, `getpeername` and `getsockname` are the same before TLS and with it.
const COMMON: [usize; 4] = [2, 3, 10, 11];

/// What may be one is followed: in the library itself these are three.
const MAX_TABLES: usize = 1 << 10;

/// Finds the two tables.
///
/// # Errors
/// Why they cannot be told.
pub(super) fn functions(elf: &Elf) -> Result<Functions, String> {
    let pointers = elf.pointers();
    let tables = pointers.all().iter().filter_map(|&(at, _)| table(elf, &pointers, at));
    let all: Vec<Table> = tables.take(MAX_TABLES + 1).collect();
    if all.len() > MAX_TABLES {
        return Err("its tables of functions are too many to be followed".to_owned());
    }
    let mut secure = all.iter().filter(|table| is_secure(elf, table));
    let (Some(secure), None) = (secure.next(), secure.next()) else {
        return Err("not exactly one table has the functions of a socket with TLS".to_owned());
    };
    let is_other = |other: &&Table| {
        COMMON.iter().all(|&at| other[at] == secure[at])
            && [CLOSE, RECV, SEND, READ, WRITE].iter().all(|&at| other[at] != secure[at])
    };
    let mut plain = all.iter().filter(is_other);
    match (plain.next(), plain.next()) {
        (Some(plain), None) => Ok(Functions {
            send: secure[SEND],
            recv: secure[RECV],
            close: secure[CLOSE],
            close_before: plain[CLOSE],
        }),
        _ => Err("not exactly one table has those of a socket before TLS".to_owned()),
    }
}

/// What may be a table, at `address`.
fn table(elf: &Elf, pointers: &Pointers, address: u64) -> Option<Table> {
    let mut table = [0; 12];
    for (number, function) in table.iter_mut().enumerate() {
        let at = address.checked_add(8 * number as u64)?;
        match pointers.at(at) {
            Some(to) if elf.is_code(to) => *function = to,
            None if number == ACCEPT && elf.at(at, 8) == [0; 8] => {}
            _ => return None,
        }
    }
    Some(table)
}

/// Whether `read` hands on to `recv`, and `write` to `send`, with no flags.
fn is_secure(elf: &Elf, table: &Table) -> bool {
    let hands_on = |from: usize, to: usize| {
        let [socket, buffer, size] = [0, 1, 2].map(Value::Argument);
        let expected = [socket, buffer, size, Value::Zero];
        let is_it = |call: &Call| {
            !call.indirect && call.target == table[to] && call.arguments.starts_with(&expected)
        };
        calls(elf, Symbol { address: table[from], size: 0 }).iter().any(is_it)
    };
    table[RECV] != table[SEND] && hands_on(READ, RECV) && hands_on(WRITE, SEND)
}
