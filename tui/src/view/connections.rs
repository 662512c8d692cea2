//! The list of connections that are open, or were until a moment ago.

use std::collections::HashMap;
use std::net::SocketAddr;

use llmtop_parsers::Role as End;

use super::exchanges::process_name;
use super::format;
use super::table::{Column, Row, Table, fit, keep_visible};
use super::{Reader, Role, Span, gist, truncated};
use crate::store::Connection;
use crate::store::words::{protocol, tls};

const COLUMNS: &[Column] = &[
    Column::left("PROCESS", 12, 1),
    Column::growing("SERVER", 14, 0),
    Column::left("TLS", 9, 4),
    Column::left("PROTO", 9, 3),
    Column::right("SEEN", 8, 2),
    Column::right("LOST", 8, 5),
    Column::left("SINCE", 8, 6),
];

/// What of the list is on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// The selected row, 0 for the newest connection.
    pub selected: usize,
    /// The first visible row.
    pub top: usize,
}

/// Open connections, newest first, among the latest. Of one whose both ends
/// are on this machine, the server's is listed only if `both_ends` are. Of a part of
/// the exchanges, those of the processes that have some of them.
pub fn open<'a>(reader: &Reader<'a>, both_ends: bool) -> Vec<&'a Connection> {
    let mut open = reader.open_connections();
    open.retain(|it| reader.part().is_none_or(|part| part.figures.process(it.process).is_some()));
    if !both_ends {
        let roles: HashMap<_, _> = open
            .iter()
            .filter_map(|connection| Some((ends(connection)?, connection.role)))
            .collect();
        open.retain(|connection| {
            let other = ends(connection).and_then(|(local, peer)| roles.get(&(peer, local)));
            other.is_none_or(|&other| {
                connection.role != Some(End::Server) && other != Some(End::Client)
            })
        });
    }
    open
}

/// Its own address and the other end's.
fn ends(connection: &Connection) -> Option<(SocketAddr, SocketAddr)> {
    // What is IPv4 at one end can be IPv4 in IPv6 at the other.
    let plain = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let endpoint = &connection.endpoint;
    Some((plain(endpoint.local?), plain(endpoint.peer?)))
}

/// The visible part of the list, having brought the position up to date.
pub fn table(
    reader: &Reader<'_>,
    position: &mut Position,
    both_ends: bool,
    size: (u16, u16),
) -> Table {
    let (width, height) = size;
    let all = open(reader, both_ends);
    position.selected = position.selected.min(all.len().saturating_sub(1));
    position.top = keep_visible(position.top, position.selected, all.len(), usize::from(height));
    let columns = fit(COLUMNS, None, width);
    let mut table = Table { progress: (position.top, all.len()), ..Table::default() };
    for (at, connection) in all.iter().enumerate().skip(position.top).take(usize::from(height)) {
        if at == position.selected {
            table.selected = Some(table.rows.len());
        }
        let cells = columns
            .iter()
            .map(|&(at, column)| vec![cell(at, usize::from(column.width), reader, connection)]);
        table.rows.push(Row { cells: cells.collect(), dim: connection.protocol.is_none() });
    }
    table.columns = columns.into_iter().map(|(_, column)| column).collect();
    table
}

fn cell(at: usize, width: usize, reader: &Reader<'_>, connection: &Connection) -> Span {
    let (captured, lost) = reader.open_bytes(connection).unwrap_or_default();
    match at {
        0 => Span::new(truncated(&process_name(reader, connection.process), width), Role::Process),
        1 => Span::new(gist(&server(connection), width), Role::Text),
        2 => Span::new(tls(connection.tls), Role::Dim),
        3 => Span::new(connection.protocol.map_or("", protocol), Role::Dim),
        4 => Span::new(format::bytes(captured), Role::Text),
        5 if lost > 0 => Span::new(format::bytes(lost), Role::Error),
        6 => {
            let opened = llmtop_parsers::Timestamp(connection.opened.0);
            Span::new(format::clock(opened, reader.utc_offset), Role::Dim)
        }
        _ => Span::default(),
    }
}

/// The server, by name and address; or that this end is the server, and whose.
pub fn server(connection: &Connection) -> String {
    if connection.role == Some(End::Server) {
        let client = connection.endpoint.peer.map(|peer| format!("serving {peer}"));
        return client.unwrap_or_else(|| "serving".to_owned());
    }
    peer(connection)
}

/// The other end's name, its address, or both.
pub fn peer(connection: &Connection) -> String {
    let address = connection.endpoint.peer.map(|peer| peer.to_string());
    match (&connection.endpoint.server_name, address) {
        (Some(name), Some(address)) => format!("{name} {address}"),
        (Some(one), None) => one.clone(),
        (None, Some(one)) => one,
        (None, None) => "unknown peer".to_owned(),
    }
}
