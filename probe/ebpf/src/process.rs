//! Processes: who executes what, whose child it is, when it ends, and when it
//! maps code that may hold a TLS library.

use aya_ebpf::EbpfContext;
use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::generated::{
    bpf_get_current_cgroup_id, bpf_probe_read_kernel_str, bpf_probe_read_user,
    bpf_probe_read_user_str, bpf_ringbuf_output,
};
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_current_uid_gid};
use aya_ebpf::macros::tracepoint;
use aya_ebpf::programs::TracePointContext;
use llmtop_probe_common::{
    Args, Exec, Exit, Filters, Kind, MAX_ARGS, MAX_ARGS_BYTES, MAX_FILENAME, Mapped, flags, named,
};

use crate::connect::argument;
use crate::conns::parent;
use crate::maps::{ARGS, COMMS, EVENTS, INSIDE, MAPPED, NAMED, PARENTS, PIDS, SETTINGS, THREADS};
use crate::{descriptors, emit, file, filter, stdio};

const CLONE_THREAD: u64 = 0x1_0000;
const PROT_EXEC: u64 = 4;
/// A process that maps code is reported once in this time: a dynamic linker
/// maps dozens of libraries, and the user side looks at all of them at once.
const MAPPED_INTERVAL: u64 = 20_000_000;

/// Entry of `execve(path, argv, envp)`.
#[tracepoint]
pub fn execve_enter(ctx: TracePointContext) -> u32 {
    snapshot(argument(&ctx, 1))
}

/// Entry of `execveat(dirfd, path, argv, envp, flags)`.
#[tracepoint]
pub fn execveat_enter(ctx: TracePointContext) -> u32 {
    snapshot(argument(&ctx, 2))
}

/// Reports a command line while it can be read: once the program runs, the old
/// image is gone, and a short-lived process may be too.
#[inline(always)]
fn snapshot(argv: u64) -> u32 {
    let Some(record) = ARGS.get_ptr_mut(0) else { return 0 };
    // SAFETY: the element is this CPU's, and syscall events do not preempt one
    // another.
    let record = unsafe { &mut *record };
    let mut len = 0u64;
    for n in 0..MAX_ARGS as u64 {
        let mut at = 0u64;
        // SAFETY: reads one pointer into a local.
        let failed = unsafe {
            bpf_probe_read_user((&raw mut at).cast(), 8, (argv + 8 * n) as *const c_void)
        };
        if failed != 0 || at == 0 || len >= MAX_ARGS_BYTES as u64 {
            break;
        }
        // SAFETY: `len` is below the limit here, and the buffer is twice as
        // long as the limit.
        let read = unsafe {
            bpf_probe_read_user_str(
                record.bytes.as_mut_ptr().add(len as usize).cast(),
                MAX_ARGS_BYTES as u32,
                at as *const c_void,
            )
        };
        if read <= 0 {
            break;
        }
        len += read as u64;
    }
    if len == 0 {
        return 0;
    }
    let len = if len > MAX_ARGS_BYTES as u64 { MAX_ARGS_BYTES as u64 } else { len };
    let pid_tgid = bpf_get_current_pid_tgid();
    record.fixed = Args { header: emit::header(Kind::Args, 0, len as u32, pid_tgid) };
    // SAFETY: the length is within the record.
    let failed = unsafe {
        bpf_ringbuf_output(
            (&raw const EVENTS).cast_mut().cast(),
            (&raw mut *record).cast(),
            size_of::<Args>() as u64 + len,
            emit::wakeup(),
        )
    };
    if failed != 0 {
        emit::lost_record();
    }
    0
}

#[repr(C)]
struct ExecEvent {
    common: u64,
    /// Offset of the path in the event, in the lower half.
    filename: u32,
    pid: u32,
    old_pid: u32,
}

#[repr(C)]
struct ExecRecord {
    fixed: Exec,
    path: [u8; MAX_FILENAME],
}

/// `sched:sched_process_exec`: a process runs another program.
#[tracepoint]
pub fn exec(ctx: TracePointContext) -> u32 {
    // SAFETY: the event's layout.
    let event = unsafe { &*ctx.as_ptr().cast::<ExecEvent>() };
    let path = u64::from(event.filename & 0xffff);
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    // Whichever thread calls `execve` goes on as the leader, and alone. Its calls do not
    // return.
    let _ = THREADS.remove(pid_tgid);
    let _ = THREADS.remove(u64::from(pid) << 32 | u64::from(event.old_pid));
    // Some were closed, and no call told.
    descriptors::forget(pid);
    stdio::executed(pid);
    let comm = bpf_get_current_comm().unwrap_or([0; 16]);
    if Filters(SETTINGS.load().filters).has(Filters::COMMS) {
        if COMMS.get_ptr(comm).is_some() {
            let _ = NAMED.insert(pid, named::ITSELF, 0);
        } else if filter::related(pid).is_some() {
            let _ = NAMED.insert(pid, named::STARTED, 0);
        }
    }
    let Some(mut entry) = emit::reserve::<ExecRecord>() else { return 0 };
    let record = entry.as_mut_ptr();
    let mut header = emit::header(Kind::Exec, unwanted(pid), 0, pid_tgid);
    // SAFETY: `record` points to a reserved record, and the helper writes at
    // most the path's size.
    unsafe {
        let len = bpf_probe_read_kernel_str(
            (&raw mut (*record).path).cast(),
            MAX_FILENAME as u32,
            (ctx.as_ptr() as u64 + path) as *const c_void,
        );
        header.len = if len > 0 { len as u32 - 1 } else { 0 };
        (&raw mut (*record).fixed).write(Exec {
            header,
            parent: parent(pid),
            uid: bpf_get_current_uid_gid() as u32,
            cgroup: bpf_get_current_cgroup_id(),
            comm,
        });
    }
    entry.submit(emit::wakeup());
    0
}

#[repr(C)]
struct NewTaskEvent {
    common: u64,
    pid: u32,
    comm: [u8; 16],
    reserved: u32,
    clone_flags: u64,
}

/// `task:task_newtask`: children of the filtered are filtered.
#[tracepoint]
pub fn newtask(ctx: TracePointContext) -> u32 {
    // SAFETY: the event's layout.
    let event = unsafe { &*ctx.as_ptr().cast::<NewTaskEvent>() };
    if event.clone_flags & CLONE_THREAD != 0 {
        return 0;
    }
    let child = event.pid;
    let parent = (bpf_get_current_pid_tgid() >> 32) as u32;
    let _ = PARENTS.insert(child, parent, 0);
    descriptors::forget(child);
    let filters = Filters(SETTINGS.load().filters);
    if filters.has(Filters::PIDS) && PIDS.get_ptr(parent).is_some() {
        let _ = PIDS.insert(child, 1, 0);
    }
    if filters.has(Filters::COMMS)
        && let Some(relation) = filter::related(parent)
    {
        let _ = NAMED.insert(child, relation, 0);
    }
    if filters.has(Filters::CONTAINERS) && INSIDE.get_ptr(parent).is_some() {
        let _ = INSIDE.insert(child, 1, 0);
    }
    0
}

/// `sched:sched_process_exit`: a thread ends, and the process with the last one.
#[tracepoint]
pub fn exit(_: TracePointContext) -> u32 {
    let pid_tgid = bpf_get_current_pid_tgid();
    let _ = THREADS.remove(pid_tgid);
    let (pid, tid) = ((pid_tgid >> 32) as u32, pid_tgid as u32);
    // Where that is not known, the end of the leader is taken for it, which nearly always
    // takes the others along.
    if !file::is_last_thread().unwrap_or(pid == tid) {
        return 0;
    }
    descriptors::forget(pid);
    let filters = Filters(SETTINGS.load().filters);
    if filters.has(Filters::PIDS) {
        let _ = PIDS.remove(pid);
    }
    if filters.has(Filters::COMMS) {
        let _ = NAMED.remove(pid);
    }
    if filters.has(Filters::CONTAINERS) {
        let _ = INSIDE.remove(pid);
    }
    emit::send(Exit { header: emit::header(Kind::Exit, 0, 0, pid_tgid) });
    0
}

/// Entry of `mmap(address, length, protection, flags, fd, offset)`: code of a
/// file.
#[tracepoint]
pub fn mmap_enter(ctx: TracePointContext) -> u32 {
    if argument(&ctx, 2) & PROT_EXEC == 0 || (argument(&ctx, 4) as i32) < 0 {
        return 0;
    }
    let pid_tgid = bpf_get_current_pid_tgid();
    let pid = (pid_tgid >> 32) as u32;
    let now = emit::now();
    // SAFETY: the value is read at once.
    if let Some(last) = unsafe { MAPPED.get(pid) } {
        if now - *last < MAPPED_INTERVAL {
            return 0;
        }
    }
    let _ = MAPPED.insert(pid, now, 0);
    emit::send(Mapped { header: emit::header(Kind::Mapped, unwanted(pid), 0, pid_tgid) });
    0
}

/// [`flags::UNWANTED`], where no filter will have the process's calls. Of containers the
/// kernel is told only once a program runs in one.
#[inline(always)]
fn unwanted(pid: u32) -> u16 {
    let by_container = Filters(SETTINGS.load().filters).has(Filters::CONTAINERS);
    if by_container || filter::wanted(pid) { 0 } else { flags::UNWANTED }
}
