//! Uprobe programs in the kernel, and how they get into files: by links for many places
//! each where the kernel has those, else by a perf event for each place.

use std::os::fd::OwnedFd;

use aya::Ebpf;
use aya::programs::UProbe;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLink, UProbeScope};

use super::attach::absent;
use crate::discovery::Handle;
use crate::object::{self, Multi};
use crate::{Error, Target};

/// Places of a file that run a program. Dropping it takes the probes away.
#[expect(dead_code, reason = "held for what dropping it does")]
#[derive(Debug)]
pub(super) enum Link {
    Multi(OwnedFd),
    Event(UProbeLink),
}

/// Drops links. For each the kernel waits until nobody is inside a program any more; of
/// those that go at the same time it waits for all at once.
pub(super) fn drop_together<L: Send>(links: Vec<L>) {
    const THREADS: usize = 64;
    let mut shares: [Vec<L>; THREADS] = std::array::from_fn(|_| Vec::new());
    for (number, link) in links.into_iter().enumerate() {
        shares[number % THREADS].push(link);
    }
    std::thread::scope(|scope| {
        for share in shares.into_iter().filter(|share| !share.is_empty()) {
            // Where there can be no more threads, it goes here and now.
            let _ = std::thread::Builder::new().spawn_scoped(scope, move || drop(share));
        }
    });
}

/// Every uprobe program, loaded.
#[derive(Debug)]
pub(super) struct Uprobes {
    multi: Option<Multi>,
    /// Whether a program can tell which place it runs for.
    cookies: bool,
}

impl Uprobes {
    /// Loads these programs, in the form for links of many places where that is
    /// prepared and all of them load so.
    pub(super) fn load(
        bpf: &mut Ebpf,
        multi: Option<Multi>,
        names: &[&'static str],
    ) -> Result<Self, Error> {
        let cookies = aya::features().bpf_cookie();
        if let Some(mut multi) = multi {
            match names.iter().try_for_each(|name| multi.load(name)) {
                Ok(()) => return Ok(Self { multi: Some(multi), cookies }),
                Err(error) => log::info!("each probe by an event of its own: {error}"),
            }
        }
        for name in names {
            uprobe(bpf, name)?
                .load()
                .map_err(|error| object::kernel(&format!("loading {name}"), &error))?;
        }
        Ok(Self { multi: None, cookies })
    }

    /// Runs a program at these places of a file: all of them, or none.
    pub(super) fn link(
        &self,
        bpf: &mut Ebpf,
        name: &str,
        target: &Target,
        cookie: u32,
        offsets: &[u64],
    ) -> Result<Vec<Link>, Error> {
        let what = || format!("attaching {name}");
        // By the name, it might lead elsewhere by now.
        let path = target.handle.as_ref().map_or_else(|| target.path.clone(), Handle::path);
        let cookie = u64::from(cookie);
        if let Some(multi) = &self.multi {
            let link = multi.link(name, &path, offsets, cookie);
            return Ok(vec![Link::Multi(link.map_err(|error| object::kernel(&what(), &error))?)]);
        }
        let failed = |error| object::kernel(&what(), &error);
        let program = uprobe(bpf, name)?;
        let mut links = Vec::with_capacity(offsets.len());
        for &offset in offsets {
            let point = UProbeAttachPoint {
                location: UProbeAttachLocation::AbsoluteOffset(offset),
                cookie: self.cookies.then_some(cookie),
            };
            let scope = UProbeScope::AllProcesses;
            let id = program.attach(point, &path, scope).map_err(failed)?;
            links.push(Link::Event(program.take_link(id).map_err(failed)?));
        }
        Ok(links)
    }
}

fn uprobe<'a>(bpf: &'a mut Ebpf, name: &str) -> Result<&'a mut UProbe, Error> {
    let program = bpf.program_mut(name).ok_or_else(|| absent(name))?;
    program.try_into().map_err(|error| object::kernel(name, &error))
}
