//! Archives of many programs, and what strangers made to break readers. Needs `LYKTA_CORPUS`, the absolute path of the
//! corpus.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{all, each_member};
use lykta_source::container::{Container, ContainerError, Content, Limits, Meter};

fn say(line: &str) {
    // Not by println, which a test that passes keeps to itself: a skip must be seen.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn corpus(skipped: &str) -> Option<PathBuf> {
    let path = std::env::var_os("LYKTA_CORPUS").map(PathBuf::from);
    if path.is_none() {
        say(&format!("skipped, LYKTA_CORPUS is not set: {skipped}"));
    }
    path
}

/// Every file below `folder`.
fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Members of a container and of those in it, by how they ended.
#[derive(Default)]
struct Walk {
    outcomes: BTreeMap<String, u64>,
    deepest: u32,
}

impl Walk {
    fn count(&mut self, outcome: &str) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += 1;
    }

    fn container(&mut self, bytes: &[u8], meter: &Meter, depth: u32) {
        let Some(container) = Container::sniff(&bytes[..bytes.len().min(Container::SNIFF_LEN)]) else {
            return;
        };
        self.deepest = self.deepest.max(depth);
        let ending = each_member(container, bytes, meter, &mut |member| {
            match member.content {
                Content::Bytes(stream, _) => {
                    let mut bytes = Vec::new();
                    let ending = stream.take(64 << 20).read_to_end(&mut bytes);
                    self.count(
                        ending
                            .map_err(ContainerError::from)
                            .as_ref()
                            .map_or_else(ContainerError::name, |_| "read"),
                    );
                    self.container(&bytes, meter, depth + 1);
                }
                Content::Skipped(skip, _) => self.count(skip.name()),
                Content::Failed(error) => {
                    assert!(!error.to_string().contains("panicked"), "{error}");
                    self.count(error.name());
                }
            }
            ControlFlow::Continue(())
        });
        if let Err(error) = &ending {
            assert!(!error.to_string().contains("panicked"), "{error}");
        }
        self.count(&format!(
            "{}: {}",
            container.name(),
            ending.as_ref().map_or_else(|error| error.name(), |()| "complete")
        ));
    }
}

#[test]
fn every_file_ends_in_time_and_without_a_panic() {
    let Some(corpus) = corpus("all archives, good and bad") else { return };
    let (mut walk, mut slowest) = (Walk::default(), (Duration::ZERO, PathBuf::new()));
    for path in ["containers", "bad"].iter().flat_map(|folder| files_below(corpus.join(folder))) {
        let bytes = std::fs::read(&path).unwrap();
        let start = Instant::now();
        let meter = Meter::new(Limits::default(), bytes.len() as u64);
        walk.container(&bytes, &meter, 1);
        slowest = slowest.max((start.elapsed(), path));
    }
    println!("{:#?}, {} deep, slowest {slowest:?}", walk.outcomes, walk.deepest);
    assert!(slowest.0 < Duration::from_secs(30), "{slowest:?}");
    assert!(walk.outcomes["read"] > 700 && walk.deepest >= 6);
}

/// Prints, for each archive that Python reads without a fault, how many files are in it and the sum of their
/// checksums.
const ORACLE: &str = r"
import sys, zipfile, tarfile, zlib, warnings
warnings.simplefilter('ignore')
for path in sys.stdin.read().split('\n'):
    try:
        contents = []
        if open(path, 'rb').read(4) == b'PK\3\4':
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():
                    is_link = info.create_system == 3 and info.external_attr >> 28 == 10
                    if not info.is_dir() and not is_link:
                        contents.append(archive.read(info))
        else:
            with tarfile.open(path, 'r:') as archive:
                for info in archive:
                    if info.isfile():
                        contents.append(archive.extractfile(info).read())
        print(path, len(contents), sum(map(zlib.crc32, contents)), sep='\t')
    except Exception:
        pass
";

#[test]
fn what_python_reads_is_read_alike() {
    let Some(corpus) = corpus("archives as Python reads them") else { return };
    let paths = ["containers", "bad"].iter().flat_map(|folder| files_below(corpus.join(folder)));
    let paths = paths.filter(|path| {
        let mut head = Vec::new();
        std::fs::File::open(path).unwrap().take(4096).read_to_end(&mut head).unwrap();
        matches!(Container::sniff(&head), Some(Container::Zip | Container::Tar))
    });
    let paths = paths.map(|path| path.into_os_string().into_string().unwrap()).collect::<Vec<_>>();
    let python =
        Command::new("python3").args(["-c", ORACLE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else {
        say("skipped, there is no python3: archives as Python reads them");
        return;
    };
    python.stdin.take().unwrap().write_all(paths.join("\n").as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    let mut compared = 0;
    let mut others = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let [path, count, sum] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bytes = std::fs::read(path).unwrap();
        let container = Container::sniff(&bytes[..bytes.len().min(Container::SNIFF_LEN)]).unwrap();
        // Holes of a sparse file are bytes out of nothing.
        let meter = Meter::new(Limits { ratio: u64::MAX, ..Limits::default() }, bytes.len() as u64);
        let mut found = Vec::new();
        let ending = each_member(container, &bytes, &meter, &mut |member| {
            found.push(common::read(member));
            ControlFlow::Continue(())
        });
        let read = found.iter().filter(|found| found.error.is_none() && found.skip.is_none());
        let crc = |bytes: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            u64::from(crc.sum())
        };
        let ours =
            (read.clone().count().to_string(), read.map(|found| crc(&found.bytes)).sum::<u64>().to_string());
        compared += 1;
        if (ours.0.as_str(), ours.1.as_str()) != (count, sum) {
            let name = Path::new(path).file_name().unwrap().display().to_string();
            others.push(format!("{name}: {count} files, here {} {ending:?}", ours.0));
        }
    }
    println!("{compared} of {}, other: {others:#?}", paths.len());
    assert!(compared > 100, "{compared}");
    assert_eq!(
        others,
        [
            // Access lists of Solaris, which are files to whoever does not know them.
            "test_compat_solaris_tar_acl.tar: 2 files, here 6 Ok(())",
            // Python reads the first of several archives only.
            "test_read_format_tar_concatenated.tar: 1 files, here 2 Ok(())",
            // Lengths that are not those of the bytes: given all the same, with an error.
            "test_read_format_zip_uncompressed_size_off_by_4gib.zip: 1 files, here 0 Ok(())",
            "incons-central-compsize-larger-toolarge.zip: 1 files, here 0 Ok(())",
            "incons-central-compsize-larger.zip: 1 files, here 0 Ok(())",
            // One archive is the comment of another: what is of both is found.
            "zip-in-archive-comment.zip: 1 files, here 2 Err(Damaged(\"85 bytes at byte 60 are of no member of it\"))",
        ]
    );
}

/// Archives of 7-Zip itself, in every method that is read.
#[test]
fn archives_of_7_zip_are_read() {
    let Some(corpus) = corpus("archives of 7-Zip") else { return };
    let mut outcomes = BTreeMap::new();
    for path in files_below(corpus.join("containers/sevenz")) {
        let bytes = std::fs::read(&path).unwrap();
        let (found, ending) = all(Container::SevenZ, &bytes);
        let name = path.file_name().unwrap().display().to_string();
        let how = found.iter().map(|found| match (&found.skip, &found.error) {
            (Some(skip), _) => skip.clone(),
            (_, Some(error)) => error.clone(),
            _ => found.bytes.len().to_string(),
        });
        outcomes.insert(name, (how.collect::<Vec<_>>(), ending.err().map(|error| error.name())));
    }
    println!("{outcomes:#?}");
    let not_read = |outcome: &&(Vec<String>, Option<&str>)| {
        outcome.1.is_some() || outcome.0.iter().any(|how| how.parse::<u64>().is_err())
    };
    let not_read = outcomes.iter().filter(|(_, outcome)| not_read(outcome)).map(|(name, _)| name.as_str());
    assert_eq!(not_read.collect::<Vec<_>>(), ["encrypted.7z", "zstdmt-brotli.7z"]);
}

#[test]
fn bombs_end_in_time() {
    let start = Instant::now();
    let ended = |container: Container, bytes: &[u8]| {
        let meter = Meter::new(Limits::default(), bytes.len() as u64);
        let mut ending = None;
        let over = each_member(container, bytes, &meter, &mut |member| {
            if let Content::Bytes(stream, _) = member.content {
                ending = std::io::copy(stream, &mut std::io::sink()).err().map(ContainerError::from);
            }
            ControlFlow::Continue(())
        });
        assert!(matches!(over, Err(ContainerError::Exceeded(_))), "{over:?}");
        assert!(matches!(ending, Some(ContainerError::Exceeded(_))), "{ending:?}");
    };
    let mut zeros = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zeros.write_all(&vec![0; 200 << 20]).unwrap();
    ended(Container::Gzip, &zeros.finish().unwrap());
    ended(Container::Bzip2, &common::bzip2(&vec![0; 100 << 20]));
    // A file of 1 TiB with nothing in it.
    let mut header = tar::Header::new_gnu();
    header.set_path("sparse").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(&[&[0x80, 0, 0, 0][..], &(1u64 << 40).to_be_bytes()].concat());
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.resize(2048, 0);
    ended(Container::Tar, &bytes);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn containers_in_containers_end() {
    let mut bytes = b"text".to_vec();
    for _ in 0..40 {
        bytes = common::gzip(&bytes);
    }
    let mut walk = Walk::default();
    walk.container(&bytes, &Meter::new(Limits::default(), bytes.len() as u64), 1);
    assert_eq!(walk.deepest, 17, "{:?}", walk.outcomes);
    assert_eq!(walk.outcomes["gzip: container is over the limits"], 1);
}

/// Ten archives in each of ten archives in ...: terabytes, of which no container gives many.
#[test]
fn many_containers_in_many_end_in_time() {
    let mut content = vec![0; 1 << 20];
    for _ in 0..6 {
        let mut zip = common::Zip::default();
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&content).unwrap();
        let packed = packed.finish().unwrap();
        for number in 0..10 {
            zip.add(format!("{number}").as_bytes(), 8, 0, &packed, &content);
        }
        content = zip.finish();
    }
    let start = Instant::now();
    let mut walk = Walk::default();
    walk.container(&content, &Meter::new(Limits::default(), content.len() as u64), 1);
    println!("{} bytes: {:?}", content.len(), walk.outcomes);
    assert!(content.len() < 100_000 && walk.outcomes["zip: container is over the limits"] > 0);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
