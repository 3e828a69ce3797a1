//! Worker processes: started, kept for the next item, and what became of those that ended.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::link::{Frame, Receiver, send};
use super::wire::{FromWorker, Setup, ToWorker};
use super::{Confinement, Isolation};
use crate::death::Death;
use crate::error::{Cause, Error};
use crate::options::Options;

/// How often a wait for a worker looks whether the scan was stopped.
const NAP: Duration = Duration::from_millis(100);

/// How long a worker may take to get ready: it opens indexes, whose length does not matter.
const START: Duration = Duration::from_secs(60);

/// How long a worker that closed its link may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// A worker may have so much beside what pictures and containers take.
const SPARE: u64 = 256 << 20;

/// What a worker says last is read to here.
const LAST_WORDS: u64 = 4 << 10;

/// Workers that are idle, and how to start more.
#[derive(Debug)]
pub(crate) struct Pool {
    program: PathBuf,
    isolation: Isolation,
    setup: Setup,
    /// Bytes of an item that may come from a worker.
    pub(crate) most_bytes: u64,
    idle: Mutex<Vec<Process>>,
    confinement: Confinement,
}

/// A worker process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stream: UnixStream,
    receiver: Receiver,
    stderr: Option<ChildStderr>,
}

/// Why a conversation with a worker ended early.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The scan was stopped.
    Stopped,
    /// The link is closed: the worker ended.
    Ended,
    /// Nothing came for too long.
    Silent,
    /// What came cannot be.
    Untrue,
    /// It met with a fault of its own, and says so.
    Panicked(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // What patience ended with.
            io::ErrorKind::ConnectionAborted => Self::Stopped,
            io::ErrorKind::TimedOut => Self::Silent,
            io::ErrorKind::InvalidData => Self::Untrue,
            _ => Self::Ended,
        }
    }
}

impl Pool {
    /// Starts one worker, to see that it can be done and what the system keeps it from. `checksums` are those of the
    /// indexes.
    pub(crate) fn new(
        isolation: Isolation,
        checksums: &[[u8; 32]],
        options: &Options,
    ) -> Result<Self, Error> {
        let refused = |text: String| Error::from(Cause::Workers(text));
        if isolation.indexes.len() != checksums.len() {
            return Err(refused("as many index files must be named as there are indexes".to_owned()));
        }
        let program = match &isolation.program {
            Some(program) => program.clone(),
            None => this_program().map_err(|error| refused(error.to_string()))?,
        };
        let absolute = |path: &PathBuf| std::path::absolute(path).map_err(|error| refused(error.to_string()));
        let paths = isolation.indexes.iter().map(absolute).collect::<Result<Vec<_>, _>>()?;
        let containers = options.containers.map_or(0, |limits| limits.memory);
        let data =
            isolation.memory.unwrap_or(options.memory.saturating_add(containers).saturating_add(SPARE));
        let indexes = paths.into_iter().zip(checksums.iter().copied()).collect();
        let setup = Setup::new(indexes, options, data, isolation.seconds.max(1));
        let mut pool = Self {
            program,
            isolation,
            setup,
            most_bytes: options.memory.max(crate::descend::SHORT + 1),
            idle: Mutex::default(),
            confinement: Confinement { seccomp: false, landlock: false },
        };
        let (process, confinement) = pool.start().map_err(refused)?;
        pool.confinement = confinement;
        pool.give_back(process);
        Ok(pool)
    }

    pub(crate) fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// A worker that has nothing to do. One that was ended meanwhile costs no item: it had none.
    pub(crate) fn take(&self) -> Result<Process, String> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut process) = idle else { return self.start().map(|(process, _)| process) };
            if process.is_alive() {
                return Ok(process);
            }
        }
    }

    /// Keeps a worker for what comes next.
    pub(crate) fn give_back(&self, process: Process) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    /// Something that waits for a worker: is asked now and then, and says when it is enough.
    pub(crate) fn patience<'p>(
        &self,
        is_stopped: &'p dyn Fn() -> bool,
    ) -> impl FnMut() -> io::Result<()> + use<'p> {
        self.patience_for(is_stopped, self.isolation.silence)
    }

    fn patience_for<'p>(
        &self,
        is_stopped: &'p dyn Fn() -> bool,
        most: Duration,
    ) -> impl FnMut() -> io::Result<()> + use<'p> {
        let begin = Instant::now();
        move || {
            if is_stopped() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if begin.elapsed() > most {
                // Not what a socket says that only had nothing yet.
                return Err(io::Error::new(io::ErrorKind::TimedOut, "silent"));
            }
            Ok(())
        }
    }

    fn start(&self) -> Result<(Process, Confinement), String> {
        let failed = |error: io::Error| error.to_string();
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(NAP)).and_then(|()| ours.set_write_timeout(Some(NAP))).map_err(failed)?;
        let mut child = Command::new(&self.program)
            .args(&self.isolation.arguments)
            .env_clear()
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // What a terminal sends to end the scan in order must not end its workers.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let stderr = child.stderr.take();
        let receiver = Receiver::new(ours.try_clone().map_err(failed)?);
        let mut process = Process { child, stream: ours, receiver, stderr };
        let mut patience = self.patience_for(&|| false, START.min(self.isolation.silence));
        let answer = process
            .send(&SetupRef::Setup(&self.setup), b"", None, &mut patience)
            .and_then(|()| process.receive(0, &mut patience));
        match answer {
            Ok(Frame { message: FromWorker::Ready(confinement), .. }) => Ok((process, confinement)),
            Ok(Frame { message: FromWorker::Refused(text), .. }) => {
                Err(lykta_source::escape(text.as_bytes()).into_owned())
            }
            _ => Err(format!("{} does not act as a worker", self.program.display())),
        }
    }

    /// What became of a worker that is of no more use.
    pub(crate) fn bury(&self, mut process: Process, broken: &Broken) -> (Death, String) {
        match broken {
            Broken::Silent => {
                let seconds = self.isolation.silence.as_secs();
                (Death::Silent, format!("it gave no sign of life for {seconds} seconds"))
            }
            Broken::Untrue | Broken::Stopped => {
                (Death::Untrue, "its messages were not those of a worker".to_owned())
            }
            Broken::Panicked(text) => (Death::Panicked, text.clone()),
            Broken::Ended => match process.ended() {
                Some(status) => self.why(status, &process.last_words()),
                None => (Death::Crashed, "it closed its link and did not end".to_owned()),
            },
        }
    }

    fn why(&self, status: ExitStatus, last_words: &str) -> (Death, String) {
        let Some(signal) = status.signal() else {
            return (Death::Crashed, format!("it left with exit code {}", status.code().unwrap_or(-1)));
        };
        let asked = last_words.split("memory allocation of ").nth(1);
        let asked = asked.and_then(|rest| rest.split(' ').next()).filter(|word| word.parse::<u64>().is_ok());
        match (signal, asked) {
            (libc::SIGABRT, Some(bytes)) => {
                let most = self.setup.data;
                (
                    Death::OutOfMemory,
                    format!("it asked for {bytes} bytes of memory more, and {most} are allowed"),
                )
            }
            (libc::SIGXCPU, _) => {
                let seconds = self.setup.cpu;
                (Death::OutOfTime, format!("it took more than {seconds} seconds of processor time"))
            }
            _ => {
                let overflow =
                    if last_words.contains("overflowed its stack") { ": its stack overflowed" } else { "" };
                (Death::Crashed, format!("signal {}{overflow}", signal_name(signal)))
            }
        }
    }
}

/// [`ToWorker::Setup`] by reference.
#[derive(serde::Serialize)]
enum SetupRef<'s> {
    Setup(&'s Setup),
}

/// The program that runs, even if another has taken its place meanwhile.
fn this_program() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}

fn signal_name(signal: i32) -> String {
    let names = [
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTRAP, "SIGTRAP"),
    ];
    let name = names.iter().find(|(number, _)| *number == signal);
    name.map_or(signal.to_string(), |(number, name)| format!("{number} ({name})"))
}

impl Process {
    pub(crate) fn send(
        &self,
        message: &impl serde::Serialize,
        bytes: &[u8],
        file: Option<BorrowedFd<'_>>,
        patience: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<(), Broken> {
        Ok(send(&self.stream, message, bytes, file.as_ref().map(AsFd::as_fd), patience)?)
    }

    pub(crate) fn grant(&self, patience: &mut dyn FnMut() -> io::Result<()>) -> Result<(), Broken> {
        self.send(&ToWorker::Granted, b"", None, patience)
    }

    pub(crate) fn receive(
        &mut self,
        most: u64,
        patience: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<Frame<FromWorker>, Broken> {
        self.receiver.receive(most, patience)?.ok_or(Broken::Ended)
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended, if it does.
    fn ended(&mut self) -> Option<ExitStatus> {
        let begin = Instant::now();
        while begin.elapsed() < GRACE {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
        None
    }

    /// What it wrote before it ended.
    fn last_words(&mut self) -> String {
        let mut words = Vec::new();
        if let Some(stderr) = self.stderr.take() {
            let _ = stderr.take(LAST_WORDS).read_to_end(&mut words);
        }
        words.escape_ascii().to_string()
    }
}

/// A worker holds nothing that it could lose.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
