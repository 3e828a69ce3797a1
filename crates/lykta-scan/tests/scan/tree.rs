//! What the tests share: made-up pictures, trees and indexes, and running a scan.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use lykta_hash::{Digest, Hash, Kind, KindSet, Pdq};
use lykta_index::{BuildOptions, Builder, Index, NewEntry, Role, Source};
use lykta_media::{Digester, Limits, Picture, decode, pdq};
use lykta_scan::{Options, Progress, Record, Scanner, Sink, Summary};
use lykta_source::{WalkOptions, walk};

/// A PGM of smooth waves: pictures of different seeds look different, quality is high.
pub(crate) fn picture(seed: u64) -> Vec<u8> {
    waves(seed, 96, 0)
}

/// The same to the eye: one grey level lighter.
pub(crate) fn lighter(seed: u64) -> Vec<u8> {
    waves(seed, 96, 1)
}

/// The picture of `seed`, left and right exchanged.
pub(crate) fn mirrored(seed: u64) -> Vec<u8> {
    let mut bytes = picture(seed);
    let start = bytes.len() - 96 * 96;
    bytes[start..].chunks_mut(96).for_each(<[u8]>::reverse);
    bytes
}

fn waves(seed: u64, side: u32, add: u8) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 24) as f32
    };
    let waves: Vec<[f32; 3]> = (0..12).map(|_| [random() * 0.3, random() * 0.3, random() * 6.3]).collect();
    let mut bytes = format!("P5 {side} {side} 255\n").into_bytes();
    for y in 0..side {
        for x in 0..side {
            let sum: f32 = waves.iter().map(|[a, b, c]| (a * x as f32 + b * y as f32 + c).sin()).sum();
            bytes.push((sum * 25.0 + 120.0).clamp(0.0, 250.0) as u8 + add);
        }
    }
    bytes
}

/// A picture without any structure.
pub(crate) fn flat() -> Vec<u8> {
    [b"P5 64 64 255\n".as_slice(), &[77; 64 * 64]].concat()
}

/// A picture cut short.
pub(crate) fn damaged(seed: u64) -> Vec<u8> {
    let mut bytes = picture(seed);
    bytes.truncate(2000);
    bytes
}

pub(crate) fn digest(kind: Kind, bytes: &[u8]) -> Digest {
    let mut digester = Digester::new([kind].into_iter().collect::<KindSet>());
    digester.update(bytes);
    digester.finish().get(kind).unwrap()
}

pub(crate) fn pdq_of(bytes: &[u8]) -> Pdq {
    let picture: Picture = decode(bytes, &Limits::default()).unwrap();
    let hash = pdq::hash(&picture, pdq::Mode::Full);
    assert!(hash.quality >= 50, "the test picture has quality {}", hash.quality);
    hash.pdq
}

/// A row of a list for a test: list name, its role, entry name, hashes.
pub(crate) struct Row<'a>(pub &'a str, pub Role, pub &'a str, pub Vec<Hash>);

pub(crate) fn index(rows: &[Row<'_>]) -> Index<Vec<u8>> {
    index_with(rows, None)
}

pub(crate) fn index_with(rows: &[Row<'_>], pdq_quality: Option<u8>) -> Index<Vec<u8>> {
    let mut builder = Builder::new(BuildOptions::default());
    let mut sources = Vec::new();
    for (number, Row(list, role, name, hashes)) in rows.iter().enumerate() {
        let known = sources.iter().find(|(known, _)| *known == list);
        let source = known.map(|(_, source)| *source).unwrap_or_else(|| {
            let name = (*list).to_owned();
            let source = builder.add_source(Source { name, role: *role, ..Source::default() });
            sources.push((list, source));
            source
        });
        let name = (!name.is_empty()).then_some(*name);
        let entry = NewEntry { row: number as u64 + 1, name, hashes, pdq_quality, ..NewEntry::default() };
        builder.add(source, &entry).unwrap();
    }
    Index::new(builder.into_bytes().unwrap()).unwrap()
}

pub(crate) fn options(jobs: usize) -> Options {
    Options { jobs: NonZeroUsize::new(jobs).unwrap(), ..Options::default() }
}

pub(crate) fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(crate) fn scan_into(
    dir: &Path,
    index: &Index<Vec<u8>>,
    options: Options,
    sink: &mut dyn Sink,
) -> Summary {
    let items = walk(&[dir.to_owned()], &WalkOptions::default());
    Scanner::new(index, options).run(items, sink, &Progress::default(), &AtomicBool::new(false)).unwrap()
}

/// The records by name of the file, and the summary.
pub(crate) fn scan(dir: &Path, index: &Index<Vec<u8>>, options: Options) -> (Vec<Record>, Summary) {
    let mut records = Vec::new();
    let summary = scan_into(dir, index, options, &mut records);
    records.sort_by(|a, b| a.locator.cmp(&b.locator));
    (records, summary)
}

/// The one record of a scan of one file.
pub(crate) fn scan_one(bytes: &[u8], index: &Index<Vec<u8>>, options: Options) -> Record {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "file", bytes);
    let (mut records, summary) = scan(dir.path(), index, options);
    assert_eq!(summary.seen().items, 1);
    records.pop().unwrap()
}
