//! Tar, of any kind.

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]

mod common;

use std::io::Read;

use common::{Found, all, good, noise};
use lykta_source::container::{Container, ContainerError};
use proptest::prelude::*;

/// A header of the given kind, of no program in particular.
fn header(name: &str, kind: u8, size: u64, magic: &[u8]) -> [u8; 512] {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[257..257 + magic.len()].copy_from_slice(magic);
    summed(block)
}

const USTAR: &[u8] = b"ustar\x0000";
const GNU: &[u8] = b"ustar  \0";

fn summed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn entry(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&header(name, kind, bytes.len() as u64, USTAR)[..], &padded(bytes)].concat()
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let record = |(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let len = (1..10).map(|digits| rest + digits).find(|len| len.to_string().len() + rest == *len);
        format!("{} {key}={value}\n", len.unwrap()).into_bytes()
    };
    entry("pax", b'x', &records.iter().flat_map(record).collect::<Vec<_>>())
}

/// What the crate `tar` makes of an archive: an independent reading.
fn oracle(bytes: &[u8]) -> Vec<(Vec<u8>, Option<u64>, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() || entry.header().entry_type().is_gnu_sparse() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            found.push((entry.path_bytes().into_owned(), Some(entry.raw_header_position()), content));
        }
    }
    found
}

#[test]
fn names_offsets_and_bytes_are_those_of_another_reader() {
    let long = "folder/".repeat(60) + "name";
    let middle = "a".repeat(90) + "/" + &"b".repeat(90);
    let names = ["short", &middle, &long, "d\u{e5}lig", "short"];
    for make in [tar::Header::new_gnu, tar::Header::new_ustar, tar::Header::new_old] {
        let mut builder = tar::Builder::new(Vec::new());
        for (seed, name) in (0..).zip(names) {
            let content = noise(700 * seed as usize, seed);
            let mut header = make();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            if header.as_gnu().is_none() && name.len() > 100 {
                continue;
            }
            builder.append_data(&mut header, name, &content[..]).unwrap();
        }
        let bytes = builder.into_inner().unwrap();
        let expected = oracle(&bytes);
        assert!(expected.len() >= 3);
        assert_eq!(Container::sniff(&bytes), Some(Container::Tar));
        let (found, ending) = all(Container::Tar, &bytes);
        ending.unwrap();
        // The other one says where the header itself is, we where what describes it begins.
        let is_near =
            |ours: Option<u64>, theirs: Option<u64>| ours <= theirs && theirs <= ours.map(|at| at + 2048);
        assert_eq!(found.len(), expected.len());
        for (found, (name, offset, content)) in found.iter().zip(&expected) {
            assert_eq!(&found.name, name);
            assert!(found.bytes == *content && is_near(found.offset, *offset), "{found:?}");
            if name.len() <= 100 {
                assert_eq!(found.offset, *offset);
            }
        }
    }
}

#[test]
fn what_holds_no_bytes_gives_none() {
    let mut link = header("link", b'2', 0, USTAR);
    link[157..163].copy_from_slice(b"target");
    let mut hard = header("hard", b'1', 5, USTAR);
    hard[157..161].copy_from_slice(b"file");
    let bytes = archive(&[
        entry("folder/", b'5', b""),
        entry("folder/old/", 0, b""),
        entry("file", b'0', b"bytes"),
        summed(link).to_vec(),
        summed(hard).to_vec(),
        header("fifo", b'6', 0, USTAR).to_vec(),
        header("disk", b'4', 0, USTAR).to_vec(),
        entry("label", b'V', b""),
        entry("rest", b'M', b"of another"),
        entry("empty", b'0', b""),
    ]);
    let (found, ending) = all(Container::Tar, &bytes);
    ending.unwrap();
    let found = found.iter().map(|found| {
        let name = String::from_utf8(found.name.clone()).unwrap();
        (name, found.skip.clone().unwrap_or_else(|| format!("{} bytes", found.bytes.len())))
    });
    let link = |target: &str| format!("Link({:?})", target.as_bytes());
    let expected = [
        ("file", "5 bytes".into()),
        ("link", link("target")),
        ("hard", link("file")),
        ("fifo", "Special".into()),
        ("disk", "Special".into()),
        ("rest", "Elsewhere(\"it begins in another volume\")".into()),
        ("empty", "0 bytes".to_owned()),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected.map(|(name, what)| (name.to_owned(), what)));
}

#[test]
fn a_name_that_ends_as_that_of_a_folder_hides_no_bytes() {
    for kind in [0, b'0'] {
        let bytes = archive(&[entry("folder/", kind, b""), entry("file/", kind, b"bytes")]);
        assert_eq!(good(Container::Tar, &bytes), [("file/".to_owned(), b"bytes".to_vec())]);
    }
}

#[test]
fn bytes_behind_what_has_none_are_given() {
    for kind in b'1'..=b'6' {
        let picture = [&b"\xff\xd8\xff"[..], &noise(1500, 5)].concat();
        let bytes = archive(&[entry("hidden", kind, &picture), entry("file", b'0', b"bytes")]);
        let expected = [("hidden".to_owned(), picture.clone()), ("file".to_owned(), b"bytes".to_vec())];
        assert!(good(Container::Tar, &bytes) == expected, "{}", char::from(kind));
        // A size that is none does not hide what follows, and the end of the archive is no bytes.
        let bytes = [
            &header("hidden", kind, 1 << 30, USTAR)[..],
            &padded(&picture),
            &archive(&[entry("file", b'0', b"bytes"), header("last", kind, 1 << 30, USTAR).to_vec()]),
        ]
        .concat();
        let (found, ending) = all(Container::Tar, &bytes);
        ending.unwrap();
        assert!(found[0].bytes.starts_with(&picture) && found[1].bytes == b"bytes");
        assert_eq!(found.len(), if kind == b'5' { 2 } else { 3 });
        let (found, ending) = all(Container::Tar, &bytes[..1000]);
        assert!(matches!(ending, Err(ContainerError::CutShort)), "{ending:?}");
        assert!(found.len() == 1 && picture.starts_with(&found[0].bytes) && found[0].bytes.len() == 488);
    }
}

#[test]
fn pax_headers_tell_names_of_any_bytes_links_and_sizes() {
    let mut raw = pax(&[("path", "n?me")]);
    let at = raw.iter().position(|byte| *byte == b'?').unwrap();
    raw[at] = 0xff;
    let bytes = archive(&[
        pax(&[("comment", "text = \n more"), ("path", "other name")]),
        entry("name", b'0', b"one"),
        entry("global", b'g', b"11 path=no\n"),
        raw,
        entry("name", b'0', b"two"),
        pax(&[("size", "600")]),
        [&header("large", b'0', 0, USTAR)[..], &padded(&noise(600, 1))].concat(),
        pax(&[("linkpath", "far away")]),
        header("link", b'2', 0, USTAR).to_vec(),
        entry("last", b'0', b"three"),
    ]);
    let (found, ending) = all(Container::Tar, &bytes);
    ending.unwrap();
    let names: Vec<&[u8]> = found.iter().map(|found| &found.name[..]).collect();
    assert_eq!(names, [&b"other name"[..], b"n\xffme", b"large", b"link", b"last"]);
    let lens: Vec<usize> = found.iter().map(|found| found.bytes.len()).collect();
    assert_eq!(lens, [3, 3, 600, 0, 5]);
    assert_eq!(found[3].skip, Some(format!("Link({:?})", b"far away")));
    assert_eq!(found[0].offset, Some(0));
    assert_eq!(found[1].offset, Some(3072));
}

/// A sparse file: 700 zeros, 512 bytes, 88 zeros, 100 bytes, 600 zeros.
fn sparse() -> (Vec<u8>, Vec<u8>, [(u64, u64); 3]) {
    let stored = noise(612, 9);
    let whole = [&[0; 700][..], &stored[..512], &[0; 88], &stored[512..], &[0; 600]].concat();
    (stored, whole, [(700, 512), (1300, 100), (2000, 0)])
}

/// A program that gives the parts without the holes makes a hash that nobody knows.
#[test]
fn holes_are_filled_however_they_are_told() {
    let (stored, whole, map) = sparse();
    let real = whole.len().to_string();
    let numbers = map.iter().flat_map(|(at, len)| [at.to_string(), len.to_string()]).collect::<Vec<_>>();
    let mut gnu = header("sparse", b'S', 612, GNU);
    for (place, (at, len)) in map.iter().enumerate() {
        gnu[386 + 24 * place..][..24].copy_from_slice(format!("{at:011o}\0{len:011o}\0").as_bytes());
    }
    gnu[483..495].copy_from_slice(format!("{:011o}\0", whole.len()).as_bytes());
    let mut pairs = vec![("GNU.sparse.size", &real[..])];
    for pair in numbers.chunks(2) {
        pairs.extend([("GNU.sparse.offset", &pair[0][..]), ("GNU.sparse.numbytes", &pair[1][..])]);
    }
    let text = numbers.join(",");
    let lines = padded(format!("3\n{}\n", numbers.join("\n")).as_bytes());
    let modern = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "sparse")];
    let modern = [&modern[..], &[("GNU.sparse.realsize", &real[..])]].concat();
    for (what, told) in [
        ("gnu", [&summed(gnu)[..], &padded(&stored)].concat()),
        ("0.0", [pax(&pairs), entry("sparse", b'0', &stored)].concat()),
        (
            "0.1",
            [
                pax(&[("GNU.sparse.size", &real), ("GNU.sparse.name", "sparse"), ("GNU.sparse.map", &text)]),
                entry("GNUSparseFile.1/sparse", b'0', &stored),
            ]
            .concat(),
        ),
        (
            "1.0",
            [pax(&modern), entry("GNUSparseFile.1/sparse", b'0', &[lines, stored.clone()].concat())].concat(),
        ),
    ] {
        let bytes = archive(&[told, entry("next", b'0', b"bytes")]);
        let expected = [("sparse".to_owned(), whole.clone()), ("next".to_owned(), b"bytes".to_vec())];
        assert!(good(Container::Tar, &bytes) == expected, "{what}");
    }
}

/// GNU tar, if there is one.
#[test]
fn sparse_files_of_gnu_tar_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = vec![0; 3 << 20];
    for at in [0usize, 100_000, 1 << 20, (2 << 20) + 12345].into_iter().chain((0..40).map(|at| at * 65536)) {
        whole[at..at + 3000].copy_from_slice(&noise(3000, at as u64));
    }
    let path = folder.path().join("sparse");
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = std::fs::File::create(&path).unwrap();
        for (at, block) in
            whole.chunks(4096).enumerate().filter(|(_, block)| block.iter().any(|byte| *byte > 0))
        {
            file.seek(SeekFrom::Start(at as u64 * 4096)).unwrap();
            file.write_all(block).unwrap();
        }
        file.set_len(whole.len() as u64).unwrap();
    }
    for format in [
        &["--format=gnu"][..],
        &["--format=pax", "--sparse-version=0.0"],
        &["--format=pax", "--sparse-version=0.1"],
        &["--format=pax", "--sparse-version=1.0"],
    ] {
        let made = std::process::Command::new("tar")
            .args(["--create", "--sparse", "--file=-"])
            .args(format)
            .args(["-C".as_ref(), folder.path().as_os_str(), "sparse".as_ref()])
            .output();
        let Some(made) = made.ok().filter(|made| made.status.success()) else {
            let line: &[u8] = b"skipped, there is no GNU tar: sparse files as it writes them\n";
            std::io::Write::write_all(&mut std::io::stderr(), line).unwrap();
            return;
        };
        assert!(made.stdout.len() < whole.len() / 2, "{format:?}: has no holes");
        assert!(good(Container::Tar, &made.stdout) == [("sparse".to_owned(), whole.clone())], "{format:?}");
    }
}

#[test]
fn archives_behind_one_another_are_one() {
    let one = archive(&[entry("one", b'0', b"1")]);
    let two = archive(&[entry("two", b'0', b"2")]);
    let found = good(Container::Tar, &[&one[..], &[0; 9216], &two].concat());
    assert_eq!(found, [("one".to_owned(), b"1".to_vec()), ("two".to_owned(), b"2".to_vec())]);
}

#[test]
fn a_cut_archive_is_cut_short_wherever_it_is_cut() {
    let entries =
        [entry("one", b'0', &noise(1000, 1)), pax(&[("path", "x")]), entry("two", b'0', &noise(700, 2))];
    let whole = entries.concat();
    for cut in 1..=whole.len() {
        let (found, ending) = all(Container::Tar, &whole[..cut]);
        assert!(matches!(ending, Err(ContainerError::CutShort)), "{cut}: {ending:?}");
        assert_eq!(found.len(), usize::from(cut >= 512) + usize::from(cut >= 512 * 6), "{cut}");
        let is_prefix = |found: &Found| {
            noise(1000, 1).starts_with(&found.bytes) || noise(700, 2).starts_with(&found.bytes)
        };
        assert!(found.iter().all(is_prefix), "{cut}");
    }
    all(Container::Tar, &[&whole[..], &[0; 512]].concat()).1.unwrap();
}

#[test]
fn what_follows_damage_is_found() {
    let entries = ["one", "two", "three"].map(|name| entry(name, b'0', &noise(600, 3)));
    let mut bytes = archive(&entries);
    bytes[512 * 3 + 10] ^= 1;
    let (found, ending) = all(Container::Tar, &bytes);
    assert_eq!(ending.unwrap_err().name(), "container is damaged");
    let names: Vec<&[u8]> = found.iter().map(|found| &found.name[..]).collect();
    assert_eq!(names, [&b"one"[..], b"three"]);
    let trailing = [&archive(&entries)[..], &noise(2000, 7)].concat();
    let (found, ending) = all(Container::Tar, &trailing);
    assert_eq!((found.len(), ending.unwrap_err().name()), (3, "container is damaged"));
}

/// A name of gigabytes would be held in memory.
#[test]
fn descriptions_are_bounded() {
    for kind in [b'L', b'K', b'x'] {
        let entries = [header("long", kind, (1 << 33) - 1, GNU).to_vec(), entry("file", b'0', b"bytes")];
        let (found, ending) = all(Container::Tar, &archive(&entries));
        assert_eq!((found.len(), ending.unwrap_err().name()), (1, "container is damaged"));
    }
    // Of many small ones, too.
    let one = entry("long", b'L', &vec![b'x'; 300_000]);
    let (found, ending) =
        all(Container::Tar, &archive(&[vec![one; 4].concat(), entry("file", b'0', b"bytes")]));
    assert_eq!((found.len(), ending.unwrap_err().name()), (1, "container is damaged"));
    let mut map = header("sparse", b'S', 0, GNU);
    (map[482], map[494]) = (1, 0);
    let mut more = [0; 512];
    more[504] = 1;
    let entries = [summed(map).to_vec(), more.repeat(5000), entry("file", b'0', b"bytes")];
    let (found, _) = all(Container::Tar, &archive(&entries));
    assert_eq!(found[0].error.as_deref(), Some("container is damaged"));
}

proptest! {
    /// Spoiled bytes never end in a panic, and what is read before them is as it was.
    #[test]
    fn spoiled_archives_give_what_was_before(
        at in 0usize..6000, with in 1u8.., cut in proptest::option::of(0usize..6000),
    ) {
        let (stored, whole, _) = sparse();
        let entries = [
            entry("one", b'0', &noise(1000, 1)),
            pax(&[("path", "second")]),
            entry("two", b'0', &stored),
            entry("three", b'0', &whole),
        ];
        let mut bytes = archive(&entries);
        let (before, _) = all(Container::Tar, &bytes);
        let at = at % bytes.len();
        bytes[at] ^= with;
        bytes.truncate(cut.unwrap_or(bytes.len()));
        let (after, _) = all(Container::Tar, &bytes);
        let untouched = before.iter().zip(&after).take_while(|(member, _)| {
            let end = member.offset.unwrap() as usize + 512 + member.bytes.len();
            // A pax header in front takes two blocks more.
            end + 1024 <= at.min(bytes.len())
        });
        for (before, after) in untouched {
            prop_assert!(before == after);
        }
    }
}
