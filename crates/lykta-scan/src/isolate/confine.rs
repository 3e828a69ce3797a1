//! A worker locks itself in, for good: limits, then system calls.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Confinement;

/// Descriptors that a worker may have: its three, the link, the file, and some to spare.
const FILES: u64 = 16;

/// Takes from this process what a decoder does not need; it may have `data` bytes of memory.
///
/// # Errors
/// When a limit cannot be set. What the system does not have is told in what is returned.
pub(crate) fn confine(data: u64) -> io::Result<Confinement> {
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, FILES)?;
    limit(Resource::Data, data)?;
    #[cfg(target_os = "linux")]
    return Ok(Confinement { landlock: linux::landlock(), seccomp: linux::seccomp() });
    #[cfg(not(target_os = "linux"))]
    return Ok(Confinement { landlock: false, seccomp: false });
}

fn limit(which: Resource, most: u64) -> io::Result<()> {
    let most = getrlimit(which).maximum.map_or(most, |hard| hard.min(most));
    Ok(setrlimit(which, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Lets the process run for `seconds` of processor time from now on, before a signal ends it.
pub(crate) fn renew_time(seconds: u64) {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
    let until = u64::try_from(used).unwrap_or(0).saturating_add(seconds).saturating_add(1);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = Some(maximum.map_or(until, |hard| hard.min(until)));
    let _ = setrlimit(Resource::Cpu, Rlimit { current, maximum });
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    use seccompiler::SeccompCmpArgLen::{Dword, Qword};
    use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
    };

    /// Allows no file, no connection and no signal to others. Whether all of it that this program knows holds of files.
    pub(super) fn landlock() -> bool {
        let restricted = Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V5))
            .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(ABI::V5)))
            .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V6)))
            .and_then(Ruleset::create)
            .and_then(landlock::RulesetCreated::restrict_self);
        restricted.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }

    /// Filters system calls.
    pub(super) fn seccomp() -> bool {
        let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return false };
        let Some(allowed) = allowed() else { return false };
        let deadly = DEADLY.iter().map(|call| (*call, Vec::new())).collect();
        // What never should happen ends the worker, so that somebody notices; of the rest, what is not on the list is
        // refused, so that a library that asks what the system can do gets an answer.
        let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filters = [
            (deadly, SeccompAction::Allow, SeccompAction::KillProcess),
            (allowed, refused, SeccompAction::Allow),
        ];
        filters.into_iter().all(|(rules, otherwise, action)| {
            SeccompFilter::new(rules, otherwise, action, arch)
                .and_then(BpfProgram::try_from)
                .is_ok_and(|program| apply_filter(&program).is_ok())
        })
    }

    const DEADLY: [libc::c_long; 12] = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_mount,
        libc::SYS_unshare,
        libc::SYS_setns,
    ];

    const ALLOWED: [libc::c_long; 34] = [
        // What it is there for: the link, the file, the last words of an abort.
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_lseek,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_recvmsg,
        libc::SYS_sendmsg,
        libc::SYS_close,
        libc::SYS_fstat,
        // Memory.
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        // Threads and signals, its own.
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_membarrier,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_exit,
        libc::SYS_exit_group,
        // Clocks and chance.
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_getrusage,
        libc::SYS_getrandom,
    ];

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    fn allowed() -> Option<Rules> {
        let mut rules: Rules = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
        let not_code = || SeccompCondition::new(2, Dword, MaskedEq(libc::PROT_EXEC as u64), 0);
        let own = u64::from(std::process::id());
        let nothing_named = libc::AT_EMPTY_PATH as u64;
        let narrow = [
            (libc::SYS_mmap, vec![not_code()]),
            (libc::SYS_mprotect, vec![not_code()]),
            // Of the open file. Whoever gives a name all the same learns whether it exists, no more.
            (libc::SYS_newfstatat, vec![SeccompCondition::new(3, Dword, Eq, nothing_named)]),
            (libc::SYS_statx, vec![SeccompCondition::new(2, Dword, Eq, nothing_named)]),
            (libc::SYS_tgkill, vec![SeccompCondition::new(0, Dword, Eq, own)]),
            (
                libc::SYS_prlimit64,
                vec![
                    SeccompCondition::new(0, Qword, Eq, 0),
                    SeccompCondition::new(1, Dword, Eq, u64::from(libc::RLIMIT_CPU)),
                ],
            ),
        ];
        for (call, conditions) in narrow {
            let conditions = conditions.into_iter().collect::<Result<_, _>>().ok()?;
            rules.insert(call, vec![SeccompRule::new(conditions).ok()?]);
        }
        Some(rules)
    }
}
