//! How a worker process ended before its time.

/// How a worker process ended while it examined an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Death {
    /// A signal that stands for a fault of the program ended it, such as after a stack overflow, or it left by itself.
    Crashed,
    /// It asked for more memory than it may have.
    OutOfMemory,
    /// It took more time of a processor for one item than it may.
    OutOfTime,
    /// It gave no sign of life for longer than the watchdog waits. This depends on how busy the computer is, so another
    /// scan may find otherwise.
    Silent,
    /// What it sent was not what a worker sends.
    Untrue,
    /// It met with a fault of this program or a decoder, and says so. It is not used any more.
    Panicked,
}

impl Death {
    /// Every way, in order.
    pub const ALL: [Self; 6] =
        [Self::Crashed, Self::OutOfMemory, Self::OutOfTime, Self::Silent, Self::Untrue, Self::Panicked];

    /// The words in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crashed => "worker crashed",
            Self::OutOfMemory => "worker ran out of memory",
            Self::OutOfTime => "worker ran out of processor time",
            Self::Silent => "worker was silent for too long",
            Self::Untrue => "worker answered wrongly",
            Self::Panicked => "worker panicked",
        }
    }
}
