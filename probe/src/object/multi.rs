//! Uprobe programs for `uprobe_multi` links, of which one has any number of places of a
//! file (Linux 6.6). Where each place has a perf event of its own, the kernel waits for
//! several grace periods, one after another, when one is made and when it goes:
//! with the usual forty places llmtop took seconds to begin and to end.
//!
//! aya has such links from 0.15 on, which needs Rust 1.98. Once that may be asked for,
//! this file and `sys.rs` go.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::{fmt, io};

use aya::Ebpf;
use aya::maps::{Map, MapData};
use aya_obj::{Function, Object, ProgramSection};

use super::sys::{self, BtfLoad, ProgramLoad, UprobeMultiLink, bpf};

/// The programs of the object, and those of them that are in the kernel.
pub(crate) struct Multi {
    object: Object,
    btf: OwnedFd,
    loaded: HashMap<&'static str, OwnedFd>,
}

impl Multi {
    /// Prepares the programs of `bytes` to share the maps of `bpf`, none of which has
    /// been taken yet. The maps have to outlive the loading of programs.
    ///
    /// # Errors
    /// The kernel has no such links, or something is not as aya left it. Perf events
    /// still do.
    pub(super) fn prepare(bytes: &[u8], bpf: &Ebpf) -> io::Result<Self> {
        let features = aya::features();
        let mut object = Object::parse(bytes).map_err(io::Error::other)?;
        let btf = features.btf().ok_or(io::ErrorKind::Unsupported)?;
        let btf = object.fixup_and_sanitize_btf(btf).map_err(io::Error::other)?;
        let btf = load_btf(&btf.ok_or(io::ErrorKind::Unsupported)?.to_bytes())?;
        let maps: Vec<_> = std::mem::take(&mut object.maps).into_iter().collect();
        let fds: HashMap<&str, RawFd> =
            bpf.maps().filter_map(|(name, map)| Some((name, fd(map)?))).collect();
        if let Some((name, _)) = maps.iter().find(|(name, _)| !fds.contains_key(name.as_str())) {
            return Err(io::Error::other(format!("the map {name} is of another kind")));
        }
        let text: HashSet<usize> = object.functions.keys().map(|&(section, _)| section).collect();
        let shared = maps
            .iter()
            .filter_map(|(name, map)| Some((name.as_str(), *fds.get(name.as_str())?, map)));
        object.relocate_maps(shared, &text).map_err(io::Error::other)?;
        object.relocate_calls(&text).map_err(io::Error::other)?;
        object.sanitize_functions(features);
        supported()?;
        Ok(Self { object, btf, loaded: HashMap::new() })
    }

    /// Loads a program.
    ///
    /// # Errors
    /// There is none of that name, or the kernel refuses it.
    pub(crate) fn load(&mut self, name: &'static str) -> io::Result<()> {
        let program = self.object.programs.get(name).ok_or(io::ErrorKind::NotFound)?;
        let function = self.object.functions.get(&program.function_key());
        let function = function.ok_or(io::ErrorKind::NotFound)?;
        let fd = load_program(name, function, &program.license, &self.btf)?;
        self.loaded.insert(name, fd);
        Ok(())
    }

    /// Runs a loaded program at these places of a file, at the returns of the functions
    /// that begin there where it is a program for returns. The places are left when the
    /// descriptor is closed.
    ///
    /// # Errors
    /// The kernel refuses one of the places; then none is set.
    pub(crate) fn link(
        &self,
        name: &str,
        path: &Path,
        offsets: &[u64],
        cookie: u64,
    ) -> io::Result<OwnedFd> {
        let program = self.loaded.get(name).ok_or(io::ErrorKind::NotFound)?;
        let section = self.object.programs.get(name).map(|program| &program.section);
        let returns = matches!(section, Some(ProgramSection::URetProbe { .. }));
        link(program, path, offsets, &vec![cookie; offsets.len()], returns)
    }
}

impl fmt::Debug for Multi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multi").field("loaded", &self.loaded).finish_non_exhaustive()
    }
}

/// Whether this kernel has such links: it then looks whether the path is that of a file
/// before it looks at anything else of it.
fn supported() -> io::Result<()> {
    // `r0 = 0; exit`, by the instruction set of RFC 9669.
    const NOTHING: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];
    let program = bpf(&ProgramLoad {
        insns: NOTHING.as_ptr() as u64,
        insn_cnt: 2,
        license: c"GPL".as_ptr() as u64,
        ..uprobe("supported")
    })?;
    match link(&program, Path::new("/"), &[0], &[0], false) {
        Err(error) if error.raw_os_error() == Some(libc::EBADF) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn link(
    program: &OwnedFd,
    path: &Path,
    offsets: &[u64],
    cookies: &[u64],
    returns: bool,
) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    bpf(&UprobeMultiLink {
        prog_fd: number(program.as_raw_fd()),
        attach_type: sys::BPF_TRACE_UPROBE_MULTI,
        path: path.as_ptr() as u64,
        offsets: offsets.as_ptr() as u64,
        cookies: cookies.as_ptr() as u64,
        cnt: count(offsets.len()),
        flags: if returns { sys::BPF_F_UPROBE_MULTI_RETURN } else { 0 },
        ..Default::default()
    })
}

fn load_program(
    name: &str,
    function: &Function,
    license: &CStr,
    btf: &OwnedFd,
) -> io::Result<OwnedFd> {
    let functions = function.func_info.func_info_bytes();
    let lines = function.line_info.line_info_bytes();
    bpf(&ProgramLoad {
        insns: function.instructions.as_ptr() as u64,
        insn_cnt: count(function.instructions.len()),
        license: license.as_ptr() as u64,
        prog_btf_fd: number(btf.as_raw_fd()),
        func_info: functions.as_ptr() as u64,
        func_info_cnt: count(function.func_info.func_info.len()),
        func_info_rec_size: count(function.func_info_rec_size),
        line_info: lines.as_ptr() as u64,
        line_info_cnt: count(function.line_info.line_info.len()),
        line_info_rec_size: count(function.line_info_rec_size),
        ..uprobe(name)
    })
}

/// A program of this name, cut to what the kernel keeps of it.
fn uprobe(name: &str) -> ProgramLoad {
    let mut prog_name = [0; 16];
    for (to, &byte) in prog_name.iter_mut().take(15).zip(name.as_bytes()) {
        *to = byte;
    }
    ProgramLoad {
        prog_type: sys::BPF_PROG_TYPE_KPROBE,
        expected_attach_type: sys::BPF_TRACE_UPROBE_MULTI,
        prog_name,
        ..Default::default()
    }
}

fn load_btf(bytes: &[u8]) -> io::Result<OwnedFd> {
    bpf(&BtfLoad { btf: bytes.as_ptr() as u64, size: count(bytes.len()), ..Default::default() })
}

/// The descriptor of a map of the kinds that the object has.
fn fd(map: &Map) -> Option<RawFd> {
    let data: &MapData = match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::PerCpuArray(data)
        | Map::PerCpuHashMap(data)
        | Map::PerCpuLruHashMap(data)
        | Map::RingBuf(data) => data,
        _ => return None,
    };
    Some(data.fd().as_fd().as_raw_fd())
}

fn number(fd: RawFd) -> u32 {
    fd.cast_unsigned()
}

/// Of what lies in this program's memory and is small.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
