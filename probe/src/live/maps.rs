//! The kernel's maps, typed.

use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray};
use aya::{Ebpf, Pod};
use llmtop_probe_common::{Conn, ConnKey, Control, Stats, names};

use super::ring::Ring;
use crate::{Error, object};

macro_rules! pod {
    ($($wrapper:ident($inner:ty)),* $(,)?) => {$(
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub(super) struct $wrapper(pub(super) $inner);
        #[expect(unsafe_code, reason = "aya asks for the promise by an unsafe trait")]
        // SAFETY: integers and arrays of integers, whose layout leaves no
        // padding (asserted where they are defined).
        unsafe impl Pod for $wrapper {}
    )*};
}
pod!(ControlPod(Control), KeyPod(ConnKey), ConnPod(Conn), StatsPod(Stats));

/// The maps the reader uses.
pub(super) struct Maps {
    pub(super) ring: Ring,
    pub(super) control: Array<MapData, ControlPod>,
    pub(super) ignored: Array<MapData, u64>,
    pub(super) tables: Tables,
}

/// Those that count.
pub(super) struct Tables {
    pub(super) conns: HashMap<MapData, KeyPod, ConnPod>,
    pub(super) orphans: HashMap<MapData, u64, ConnPod>,
    pub(super) stats: PerCpuArray<MapData, StatsPod>,
}

impl Maps {
    pub(super) fn take(bpf: &mut Ebpf) -> Result<Self, Error> {
        Ok(Self {
            ring: Ring::take(bpf)?,
            control: take(bpf, names::CONTROL)?,
            ignored: take(bpf, names::IGNORED)?,
            tables: Tables {
                conns: take(bpf, names::CONNS)?,
                orphans: take(bpf, names::ORPHANS)?,
                stats: take(bpf, names::STATS)?,
            },
        })
    }
}

/// Takes a map out of the loaded object.
pub(super) fn take<M>(bpf: &mut Ebpf, name: &str) -> Result<M, Error>
where
    M: TryFrom<Map, Error = aya::maps::MapError>,
{
    let map = bpf.take_map(name).ok_or_else(|| Error::Kernel {
        what: format!("the map {name}"),
        why: "not in the kernel programs".to_owned(),
    })?;
    M::try_from(map).map_err(|error| object::kernel(&format!("the map {name}"), &error))
}
