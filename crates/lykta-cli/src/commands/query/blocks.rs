//! Questions, in blocks of lines: read by a thread of its own, taken by those that answer.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context;
use lykta::source::escape;

/// Lines of a block at most: their near searches share passes over memory, and their answers are
/// few enough to be held.
const MOST_LINES: usize = 256;

/// Longest line that is taken for a hash, in bytes. The longest hash has 71.
const LONGEST_LINE: usize = 1 << 10;

/// Lines without the blanks around them, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Its place among the blocks, from 0.
    pub(crate) number: u64,
    text: String,
    ends: Vec<usize>,
}

impl Block {
    /// The lines: none is blank.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }

    /// Bytes of all lines together.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    fn is_full(&self) -> bool {
        self.ends.len() == MOST_LINES
    }

    /// Adds a line unless it is blank; escaped where it is not UTF-8.
    fn push(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        match std::str::from_utf8(line) {
            Ok(text) => self.text.push_str(text),
            Err(_) => self.text.push_str(&escape(line)),
        }
        self.ends.push(self.text.len());
    }
}

/// The blocks, for threads to take.
///
/// The thread that reads is not waited for: it may hang in a read when the answers are no longer
/// wanted, and ends with the process.
pub(crate) struct Blocks(Arc<Queue>);

impl Blocks {
    /// Begins to read `arguments` or, when there are none, standard input, a few blocks ahead of
    /// `threads` takers.
    pub(crate) fn start(arguments: &[String], threads: usize) -> anyhow::Result<Self> {
        let queue = Arc::new(Queue::new(2 * threads));
        let (to, arguments) = (Arc::clone(&queue), arguments.to_vec());
        let read = move || match arguments.is_empty() {
            true => send_lines(BufReader::with_capacity(1 << 20, io::stdin().lock()), &to),
            false => send_arguments(&arguments, &to),
        };
        thread::Builder::new()
            .name("read".into())
            .spawn(read)
            .context("cannot start the thread that reads")?;
        Ok(Self(queue))
    }

    /// The next block, once there is one; `None` at the end.
    ///
    /// # Errors
    /// When standard input cannot be read any further.
    pub(crate) fn next(&self) -> anyhow::Result<Option<Block>> {
        let next = self.0.take().transpose();
        next.context("cannot read standard input; ask again from where answers end")
    }

    /// No more blocks are wanted: threads that wait for one wait no longer.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

/// A few blocks on their way. Unlike a channel it can be closed by those who take.
struct Queue {
    state: Mutex<Waiting>,
    changed: Condvar,
    most: usize,
}

#[derive(Default)]
struct Waiting {
    blocks: VecDeque<io::Result<Block>>,
    ended: bool,
}

impl Queue {
    fn new(most: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), most }
    }

    /// Waits for room. False when no more is wanted.
    fn add(&self, block: io::Result<Block>) -> bool {
        let full = |waiting: &mut Waiting| !waiting.ended && waiting.blocks.len() >= self.most;
        let mut waiting = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if waiting.ended {
            return false;
        }
        waiting.blocks.push_back(block);
        self.changed.notify_all();
        true
    }

    fn take(&self) -> Option<io::Result<Block>> {
        let nothing = |waiting: &mut Waiting| !waiting.ended && waiting.blocks.is_empty();
        let waiting = self.changed.wait_while(self.lock(), nothing);
        let block = waiting.unwrap_or_else(PoisonError::into_inner).blocks.pop_front();
        self.changed.notify_all();
        block
    }

    /// Nothing comes any more. What is there is still to be taken.
    fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().blocks.clear();
        self.end();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send_arguments(arguments: &[String], to: &Queue) {
    for (number, lines) in (0..).zip(arguments.chunks(MOST_LINES)) {
        let mut block = Block { number, ..Block::default() };
        // Not as lines: an argument may be blank, and then has its answer.
        for line in lines {
            block.text.push_str(line);
            block.ends.push(block.text.len());
        }
        if !to.add(Ok(block)) {
            return;
        }
    }
    to.end();
}

fn send_lines(mut input: BufReader<impl Read>, to: &Queue) {
    let mut line = Vec::new();
    for number in 0.. {
        let block = read_block(&mut input, number, &mut line);
        let (empty, failed) = (matches!(&block, Ok(block) if block.ends.is_empty()), block.is_err());
        if empty || !to.add(block) || failed {
            break;
        }
    }
    to.end();
}

/// The lines that have arrived, at least one and at most [`MOST_LINES`]; none at the end. `line` is
/// memory to be used again.
fn read_block(input: &mut BufReader<impl Read>, number: u64, line: &mut Vec<u8>) -> io::Result<Block> {
    let mut block = Block { number, ..Block::default() };
    // Only what has arrived: whoever waits for an answer before asking again gets it.
    while block.ends.is_empty() || !block.is_full() && input.buffer().contains(&b'\n') {
        line.clear();
        if !read_line(input, line)? {
            break;
        }
        block.push(line);
    }
    Ok(block)
}

/// Reads a line, or of one that is too long for any hash the start: enough to be answered with an
/// error and to be recognised, whatever somebody pipes in. False at the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    if input.take(LONGEST_LINE as u64).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.len() == LONGEST_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(input: impl Read) -> Vec<Vec<String>> {
        let queue = Queue::new(1000);
        send_lines(BufReader::new(input), &queue);
        let blocks: Vec<Block> = std::iter::from_fn(|| queue.take()).map(Result::unwrap).collect();
        assert!(blocks.iter().map(|block| block.number).eq(0..blocks.len() as u64));
        blocks.iter().map(|block| block.lines().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn lines_are_trimmed_bounded_and_never_lossy() {
        assert_eq!(blocks(&b" md5:aa\r\n\n\xffb\n\t\nend"[..]).concat(), ["md5:aa", "\\xffb", "end"]);
        assert_eq!(blocks(&b"\n \n"[..]).len(), 0);
        assert_eq!(blocks(io::empty()).len(), 0);
    }

    #[test]
    fn of_a_long_line_the_start_is_kept_and_the_next_line_is_whole() {
        for extra in [0, 1, 5000] {
            let long = [vec![b'a'; LONGEST_LINE + extra], b"\nmd5:bb".to_vec()].concat();
            let lines = blocks(&long[..]).concat();
            assert_eq!((lines[0].len(), lines[1].as_str()), (LONGEST_LINE, "md5:bb"), "{extra}");
        }
    }

    #[test]
    fn a_block_holds_what_has_arrived_and_no_more_than_allowed() {
        /// Gives one piece a read, as a pipe does.
        struct Pieces(Vec<&'static [u8]>);
        impl Read for Pieces {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let piece = if self.0.is_empty() { &[] } else { self.0.remove(0) };
                buffer[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            }
        }
        let pieces = Pieces(vec![b"a\n", b"b\nc\nd", b"d\n\n", b"\n", b"e"]);
        assert_eq!(blocks(pieces), [vec!["a"], vec!["b", "c"], vec!["dd"], vec!["e"]]);
        let many = "x\n".repeat(3 * MOST_LINES + 1);
        let sizes: Vec<usize> = blocks(many.as_bytes()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [MOST_LINES, MOST_LINES, MOST_LINES, 1]);
    }

    #[test]
    fn what_was_read_before_an_error_is_answered() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let queue = Queue::new(9);
        send_lines(BufReader::new(b"a\n".chain(Broken)), &queue);
        let taken = std::iter::from_fn(|| queue.take());
        let got: Vec<_> = taken.map(|block| block.map(|block| block.text).map_err(|_| ())).collect();
        assert_eq!(got, [Ok("a".to_owned()), Err(())]);
    }

    /// Each side may end it while the other waits.
    #[test]
    fn nobody_waits_for_what_does_not_come() {
        let block = |number| Ok(Block { number, ..Block::default() });
        let queue = Queue::new(1);
        thread::scope(|scope| {
            let takers = [(); 3].map(|()| scope.spawn(|| queue.take().is_none()));
            queue.close();
            assert!(takers.into_iter().all(|taker| taker.join().unwrap()));
        });
        assert!(!queue.add(block(0)), "closed");
        let queue = Queue::new(1);
        thread::scope(|scope| {
            assert!(queue.add(block(0)));
            let adder = scope.spawn(|| queue.add(block(1)));
            queue.close();
            assert!(!adder.join().unwrap());
        });
        let queue = Queue::new(2);
        assert!(queue.add(block(7)));
        queue.end();
        assert_eq!(queue.take().unwrap().unwrap().number, 7);
        assert!(queue.take().is_none());
    }
}
