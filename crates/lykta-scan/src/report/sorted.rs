//! Sorting more lines than fit in memory.
//!
//! The idea: lines are gathered until they take `memory` bytes, then sorted and written to a
//! temporary file, a run. At the end all runs and what is still in memory are merged. When there
//! are as many runs as may be open at once, they are first merged into one.
//!
//! The temporary files have no name (or are deleted when closed where that is not possible), so
//! nothing is left behind, however the program ends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Runs merged at once, each with an open file and a buffer.
const FAN_IN: usize = 64;

/// What a line costs in memory besides its bytes.
const OVERHEAD: usize = 2 * size_of::<Vec<u8>>();

/// Key first, so that the order is by key, then by line.
type Pair = (Vec<u8>, Vec<u8>);

/// Takes lines in any order and gives them back sorted by key, then by their bytes.
///
/// Equal pairs are all kept. The result depends on the set of lines only, not on their order.
#[derive(Debug)]
pub(crate) struct Sorter {
    dir: PathBuf,
    memory: usize,
    held: Vec<Pair>,
    held_bytes: usize,
    runs: Vec<File>,
}

impl Sorter {
    /// A sorter that holds about `memory` bytes of lines and writes the rest to files in `dir`.
    ///
    /// A single line may be longer than `memory`. Nothing is written before `memory` is full.
    pub(crate) fn new(dir: &Path, memory: usize) -> Self {
        Self { dir: dir.to_owned(), memory, held: Vec::new(), held_bytes: 0, runs: Vec::new() }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub(crate) fn push(&mut self, key: Vec<u8>, line: Vec<u8>) -> io::Result<()> {
        self.held_bytes += key.len() + line.len() + OVERHEAD;
        self.held.push((key, line));
        if self.held_bytes >= self.memory { self.spill() } else { Ok(()) }
    }

    /// Calls `each` with every line, in order.
    ///
    /// # Errors
    /// When a temporary file cannot be read or written, or what `each` returns.
    pub(crate) fn finish(mut self, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.held.sort_unstable();
        let mut each = each;
        let held = std::mem::take(&mut self.held);
        merge(std::mem::take(&mut self.runs), held, self.buffer_len(), |(_, line)| each(&line))
    }

    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let run = self.write_run(|write| held.into_iter().try_for_each(write))?;
        self.runs.push(run);
        if self.runs.len() == FAN_IN {
            let runs = std::mem::take(&mut self.runs);
            let buffer = self.buffer_len();
            let run = self.write_run(|write| merge(runs, Vec::new(), buffer, write))?;
            self.runs.push(run);
        }
        Ok(())
    }

    fn write_run(
        &self,
        fill: impl FnOnce(&mut dyn FnMut(Pair) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<File> {
        let mut writer = BufWriter::new(tempfile::tempfile_in(&self.dir)?);
        fill(&mut |(key, line)| write_pair(&mut writer, &key, &line))?;
        let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }

    fn buffer_len(&self) -> usize {
        (self.memory / FAN_IN).clamp(4 << 10, 64 << 10)
    }
}

/// Hands all pairs of sorted runs and of sorted `held` to `each`, in order.
fn merge(
    runs: Vec<File>,
    held: Vec<Pair>,
    buffer_len: usize,
    mut each: impl FnMut(Pair) -> io::Result<()>,
) -> io::Result<()> {
    let mut runs: Vec<_> = runs.into_iter().map(|run| BufReader::with_capacity(buffer_len, run)).collect();
    let mut held = held.into_iter();
    let in_memory = runs.len();
    let mut next = |source: usize| match runs.get_mut(source) {
        Some(run) => read_pair(run),
        None => Ok(held.next()),
    };
    let mut heads = BinaryHeap::new();
    for source in 0..=in_memory {
        heads.extend(next(source)?.map(|pair| Reverse((pair, source))));
    }
    while let Some(Reverse((pair, source))) = heads.pop() {
        heads.extend(next(source)?.map(|pair| Reverse((pair, source))));
        each(pair)?;
    }
    Ok(())
}

fn write_pair(writer: &mut impl Write, key: &[u8], line: &[u8]) -> io::Result<()> {
    for part in [key, line] {
        writer.write_all(&(part.len() as u64).to_le_bytes())?;
        writer.write_all(part)?;
    }
    Ok(())
}

/// The next pair, or `None` at the end of the run.
fn read_pair(reader: &mut BufReader<File>) -> io::Result<Option<Pair>> {
    use io::BufRead;
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let key = read_part(reader)?;
    Ok(Some((key, read_part(reader)?)))
}

fn read_part(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    reader.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    let mut part = Vec::new();
    // Not `vec![0; len]`: a temporary file spoiled on disk must not ask for any amount of memory.
    if reader.take(len).read_to_end(&mut part)? as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(part)
}

/// A key whose order as bytes is the order of `steps` as a list of strings.
///
/// A step ends with two zero bytes and a zero byte inside one is followed by a one, so a step
/// sorts before every longer one that begins with it.
pub(crate) fn key<S: AsRef<str>>(steps: &[S]) -> Vec<u8> {
    let mut key = Vec::with_capacity(steps.iter().map(|step| step.as_ref().len() + 2).sum());
    for step in steps {
        for &byte in step.as_ref().as_bytes() {
            key.push(byte);
            if byte == 0 {
                key.push(1);
            }
        }
        key.extend([0, 0]);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(memory: usize, pairs: &[Pair]) -> Vec<Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(dir.path(), memory);
        for (key, line) in pairs {
            sorter.push(key.clone(), line.clone()).unwrap();
        }
        let mut lines = Vec::new();
        sorter
            .finish(|line| {
                lines.push(line.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "temporary files are left");
        lines
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_sorting_in_memory(
            mut pairs in prop::collection::vec((prop::collection::vec(0u8..3, 0..4), prop::collection::vec(any::<u8>(), 0..9)), 0..200),
            memory in 1usize..2000,
        ) {
            let found = sorted(memory, &pairs);
            pairs.sort();
            prop_assert_eq!(found, pairs.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
        }

        #[test]
        fn keys_sort_as_lists_of_strings(a in prop::collection::vec("[\\x00\\x01ab/é]{0,3}", 0..4), b in prop::collection::vec("[\\x00\\x01ab/é]{0,3}", 0..4)) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }
    }

    #[test]
    fn more_runs_than_are_open_at_once_are_merged() {
        let pairs: Vec<Pair> = (0u32..1000)
            .map(|i| ((i * 7919 % 1000).to_be_bytes().to_vec(), i.to_be_bytes().to_vec()))
            .collect();
        let mut expected = pairs.clone();
        expected.sort();
        assert_eq!(sorted(1, &pairs), expected.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_of_the_receiver_ends_the_merge() {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(dir.path(), 10);
        for _ in 0..3 {
            sorter.push(vec![1], vec![2]).unwrap();
        }
        let full = sorter.finish(|_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
