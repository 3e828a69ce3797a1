//! RAR: archives made to order, by the writer of the crate that unpacks, and by RAR itself (`testdata/rar`).

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]

mod common;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;

use common::{Found, all, each_member, good, noise};
use lykta_source::container::{Container, ContainerError, Content, Exceeded, Limits, Meter};
use proptest::prelude::*;
use rars::{ArchiveVersion, Builder};
use sha1::{Digest, Sha1};

const RAR: Container = Container::Rar;

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A member that is stored, or said to be packed.
#[derive(Clone)]
struct File {
    name: Vec<u8>,
    data: Vec<u8>,
    size: u64,
    crc: u32,
    /// Bits beside those that it needs.
    flags: u64,
    /// Of RAR 5: method, dictionary and the like.
    compression: u64,
    /// Of RAR 1.5 to 4.
    method: u8,
    attributes: u32,
    /// Of RAR 5.
    extra: Vec<u8>,
}

fn file(name: &str, data: &[u8]) -> File {
    File {
        name: name.as_bytes().to_vec(),
        data: data.to_vec(),
        size: data.len() as u64,
        crc: crc(data),
        flags: 0,
        compression: 0,
        method: 0x30,
        attributes: 0o100_644,
        extra: Vec::new(),
    }
}

const OLD: &[u8] = b"Rar!\x1a\x07\0";
const NEW: &[u8] = b"Rar!\x1a\x07\x01\0";

fn old_block(kind: u8, flags: u16, fields: &[u8], data: &[u8]) -> Vec<u8> {
    let len = 7 + fields.len() as u16;
    let header = [&[kind][..], &flags.to_le_bytes(), &len.to_le_bytes(), fields].concat();
    [&crc(&header).to_le_bytes()[..2], &header, data].concat()
}

fn old_file(file: &File) -> Vec<u8> {
    const UNIX: u8 = 3;
    let low = |number: u64| (number as u32).to_le_bytes();
    let is_large = file.size > u64::from(u32::MAX);
    let fields = [
        &low(file.data.len() as u64)[..],
        &low(file.size),
        &[UNIX],
        &file.crc.to_le_bytes(),
        &[0; 4],
        &[29, file.method],
        &(file.name.len() as u16).to_le_bytes(),
        &file.attributes.to_le_bytes(),
        &if is_large { [low(0), low(file.size >> 32)].concat() } else { Vec::new() },
        &file.name,
    ];
    let flags = 0x8000 | file.flags as u16 | if is_large { 0x100 } else { 0 };
    old_block(0x74, flags, &fields.concat(), &file.data)
}

fn old(flags: u16, files: &[File]) -> Vec<u8> {
    let files = files.iter().map(old_file).collect::<Vec<_>>().concat();
    [OLD, &old_block(0x73, flags, &[0; 6], b""), &files, &old_block(0x7b, 0x4000, b"", b"")].concat()
}

fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn numbers(all: &[u64]) -> Vec<u8> {
    all.iter().flat_map(|one| number(*one)).collect()
}

/// With the length of the data that it states.
fn new_block_of(kind: u64, flags: u64, fields: &[u8], extra: &[u8], data: &[u8], len: u64) -> Vec<u8> {
    let flags = flags | u64::from(!extra.is_empty()) | u64::from(len > 0) << 1;
    let mut lengths = Vec::new();
    if !extra.is_empty() {
        lengths.extend(number(extra.len() as u64));
    }
    if len > 0 {
        lengths.extend(number(len));
    }
    let header = [&numbers(&[kind, flags])[..], &lengths, fields, extra].concat();
    let header = [number(header.len() as u64), header].concat();
    [&crc(&header).to_le_bytes()[..], &header, data].concat()
}

fn new_block(kind: u64, flags: u64, fields: &[u8], extra: &[u8], data: &[u8]) -> Vec<u8> {
    new_block_of(kind, flags, fields, extra, data, data.len() as u64)
}

fn new_file(file: &File) -> Vec<u8> {
    const HAS_CRC: u64 = 4;
    const UNIX: u64 = 1;
    let (flags, of_block) = (HAS_CRC | file.flags & 0xff, file.flags >> 8);
    let fields = [
        numbers(&[flags, file.size, file.attributes.into()]),
        file.crc.to_le_bytes().to_vec(),
        numbers(&[file.compression, UNIX, file.name.len() as u64]),
        file.name.clone(),
    ];
    new_block(2, of_block, &fields.concat(), &file.extra, &file.data)
}

fn new(flags: u64, files: &[File]) -> Vec<u8> {
    let files = files.iter().map(new_file).collect::<Vec<_>>().concat();
    [NEW, &new_block(1, 0, &number(flags), b"", b""), &files, &new_block(5, 0, &number(0), b"", b"")].concat()
}

/// The same members in both kinds.
fn both(files: &[File]) -> [Vec<u8>; 2] {
    [old(0, files), new(0, files)]
}

fn names(found: &[Found]) -> Vec<String> {
    found.iter().map(|found| String::from_utf8(found.name.clone()).unwrap()).collect()
}

fn text(seed: u64, len: usize) -> Vec<u8> {
    noise(len / 9 + 1, seed)
        .iter()
        .flat_map(|byte| format!("{byte:03} once ").into_bytes())
        .take(len)
        .collect()
}

/// Every kind that the crate writes.
const VERSIONS: [ArchiveVersion; 7] = [
    ArchiveVersion::Rar15,
    ArchiveVersion::Rar20,
    ArchiveVersion::Rar29,
    ArchiveVersion::Rar30,
    ArchiveVersion::Rar40,
    ArchiveVersion::Rar50,
    ArchiveVersion::Rar70,
];

fn packed(version: ArchiveVersion, is_solid: bool, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = Builder::new(version).solid(is_solid);
    builder.add_directory(b"folder".to_vec(), None, None).unwrap();
    for (name, bytes) in files {
        builder.add_bytes(name.as_bytes().to_vec(), bytes.clone(), None, None).unwrap();
    }
    builder.to_bytes().unwrap()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("one", text(1, 30_000)),
        ("folder/two", text(1, 50_000)),
        ("empty", Vec::new()),
        ("three", noise(20_000, 3)),
        ("four", text(1, 9_000)),
    ]
}

fn archive_of_rar(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/rar");
    std::fs::read(folder.join(name)).unwrap()
}

/// Where in an archive some bytes are.
fn position(archive: &[u8], bytes: &[u8]) -> usize {
    archive.windows(bytes.len()).position(|window| window == bytes).unwrap()
}

#[test]
fn stored_members_are_read() {
    let mut folder = file("folder", b"");
    let expected = [("one", noise(3000, 1)), ("folder/two", noise(10, 2)), ("none", Vec::new())];
    let mut files = expected.iter().map(|(name, bytes)| file(name, bytes)).collect::<Vec<_>>();
    for is_old in [true, false] {
        // A folder is no member.
        folder.flags = if is_old { 0xe0 } else { 1 };
        files.insert(1, folder.clone());
        let archive = if is_old { old(0, &files) } else { new(0, &files) };
        files.remove(1);
        let found = good(RAR, &archive);
        let found = found.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>();
        assert!(found == expected, "{is_old}");
        let (found, _) = all(RAR, &archive);
        let header = |name: &str| position(&archive, name.as_bytes()) as u64;
        let offsets = found.iter().map(|found| found.offset.unwrap()).collect::<Vec<_>>();
        assert!(offsets.is_sorted() && offsets[0] < header("one") && header("one") < offsets[1]);
    }
}

#[test]
fn packed_members_of_every_kind_are_read_solid_and_not() {
    for version in VERSIONS {
        for is_solid in [false, true] {
            let found = good(RAR, &packed(version, is_solid, &files()));
            let expected = files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
            assert!(found == expected.collect::<Vec<_>>(), "{version} {is_solid}");
        }
    }
}

/// Names, lengths and SHA-1.
type Expected = &'static [(&'static str, usize, &'static str)];

const OF_RAR: [(&str, Expected); 11] = [
    ("rar154-normal.rar", &[("README.md", 4198, "cf43130700d3751ef53167327f01aaae0d8b02b1")]),
    (
        "rar202-comments.rar",
        &[
            ("FILE1.TXT", 7, "b0c0d077305ca4224d439f7689e3699536d901c6"),
            ("FILE2.TXT", 7, "15b6036fbe419af81d6b3d5f60377ca30bc18b8c"),
        ],
    ),
    ("rar300-e8e9.rar", &[("x86_e8e9_stream.bin", 196_608, "3b3eeb90e5ad1f64d865551d133a46c7cf1704a2")]),
    ("rar300-ppmd.rar", &[("repeated_phrase_64k.txt", 44_544, "a52bb3d9cf24c69c0c83dde16dfc0c9d18c2f1e4")]),
    ("rar300-rgb.rar", &[("rgb_gradient_24bit.bmp", 196_662, "5577a699db9f87d438c023c347b83f607176003c")]),
    (
        "rar300-solid.rar",
        &[
            ("one.txt", 48, "43f57fc589210e51ebe4c2d4a62b630476c306fc"),
            ("two.txt", 47, "875f38d2e59a139af92c1fad40514feaf4b5119a"),
        ],
    ),
    ("rar5-blake2.rar", &[("hello.txt", 30, "864cd6ba00ac37f94359b61ca408f43f7d61cc50")]),
    ("rar5-delta.rar", &[("delta_4ch_ramp.bin", 262_144, "84cea654b0d59b711712557538db7e79144dd881")]),
    (
        "rar5-services.rar",
        &[
            ("hello.txt", 30, "864cd6ba00ac37f94359b61ca408f43f7d61cc50"),
            ("tiny.txt", 9, "36b271df0d3e1359a982c0426319a60c4b42606d"),
        ],
    ),
    (
        "rar5-solid.rar",
        &[
            ("hello.txt", 30, "864cd6ba00ac37f94359b61ca408f43f7d61cc50"),
            ("tiny.txt", 9, "36b271df0d3e1359a982c0426319a60c4b42606d"),
        ],
    ),
    ("rar721.rar", &[("hello7.txt", 31, "d954008af8c6bd38903c6e4d3724e81d7ec10908")]),
];

/// Archives of RAR itself: SHA-1 of each member as libarchive and The Unarchiver give it.
#[test]
fn archives_of_rar_are_read() {
    for (archive, expected) in OF_RAR {
        let found = good(RAR, &archive_of_rar(archive));
        let found = found.iter().map(|(name, bytes)| {
            let digest = data_encoding::HEXLOWER.encode(&Sha1::digest(bytes));
            (name.as_str().to_owned(), bytes.len(), digest)
        });
        let found = found.collect::<Vec<_>>();
        let expected =
            expected.iter().map(|(name, len, digest)| ((*name).to_owned(), *len, (*digest).to_owned()));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{archive}");
    }
}

/// Other readers at hand do not read it; the checksums in it are of what RAR packed.
#[test]
fn a_solid_archive_of_rar_2_is_read() {
    let found = good(RAR, &archive_of_rar("rar250-solid.rar"));
    let found = found.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect::<Vec<_>>();
    assert_eq!(found, [("SOLID1.TXT", 15_840), ("SOLID2.TXT", 13_800)]);
}

#[test]
fn archives_in_archives_are_read() {
    let mut zip = common::Zip::default();
    zip.add(b"picture", 0, 0, b"bytes", b"bytes");
    let zip = zip.finish();
    for rar in both(&[file("a.zip", &zip)]) {
        let inner = good(RAR, &rar).remove(0).1;
        assert_eq!(good(Container::Zip, &inner), [("picture".to_owned(), b"bytes".to_vec())]);
    }
    for rar in both(&[file("picture", b"bytes")]) {
        let mut zip = common::Zip::default();
        zip.add(b"a.rar", 0, 0, &rar, &rar);
        let inner = good(Container::Zip, &zip.finish()).remove(0).1;
        assert_eq!(good(RAR, &inner), [("picture".to_owned(), b"bytes".to_vec())]);
    }
}

#[test]
fn encrypted_members_are_told_with_their_names() {
    let (mut secret, plain) = (file("secret", b"0123456789abcdef"), file("plain", b"bytes"));
    // Of RAR 5: a record of encryption, whose fields are a version, flags, rounds, salt and IV.
    let record = [&numbers(&[1, 0, 0, 15])[..], &[0; 32]].concat();
    secret.extra = [number(record.len() as u64), record].concat();
    let of_5 = new(0, &[secret.clone(), plain.clone()]);
    secret.flags = 4;
    for archive in [old(0, &[secret, plain]), of_5] {
        let (found, ending) = all(RAR, &archive);
        ending.unwrap();
        assert_eq!(names(&found), ["secret", "plain"]);
        assert_eq!((found[0].skip.as_deref(), found[0].size), (Some("Encrypted"), Some(16)));
        assert_eq!(found[1].bytes, b"bytes");
    }
    for version in VERSIONS {
        let mut builder = Builder::new(version).password(Some(b"word".to_vec()));
        builder.add_bytes(b"secret".to_vec(), text(1, 3000), None, None).unwrap();
        let (found, ending) = all(RAR, &builder.to_bytes().unwrap());
        ending.unwrap();
        assert_eq!(found[0].skip.as_deref(), Some("Encrypted"), "{version}");
    }
}

#[test]
fn encrypted_names_are_told() {
    let names = [old(0x80, &[]), [NEW, &new_block(4, 0, &numbers(&[0, 0, 15]), b"", b"")].concat()];
    for archive in names {
        let (found, ending) = all(RAR, &archive);
        assert!(found.is_empty() && matches!(ending, Err(ContainerError::Encrypted)), "{ending:?}");
    }
}

/// What leans on a member that is encrypted is not unpacked to something else.
#[test]
fn solid_members_behind_an_encrypted_one_are_told() {
    let bytes = archive_of_rar("rar5-solid.rar");
    let first = position(&bytes, b"hello.txt");
    let (found, _) = all(RAR, &bytes);
    assert_eq!(found.len(), 2);
    // The same two members, the first of which is said to go on in another volume.
    let start = found[0].offset.unwrap() as usize;
    let end = found[1].offset.unwrap() as usize;
    let (head, data) = bytes[start..end].split_at(first - start + "hello.txt".len());
    let mut block = [head, data].concat();
    const GOES_ON: u8 = 0x10;
    // Checksum, length of one byte, kind, flags.
    block[6] |= GOES_ON;
    let len = 5 + usize::from(block[4]);
    let sum = crc(&block[4..len]).to_le_bytes();
    block[..4].copy_from_slice(&sum);
    let (found, ending) = all(RAR, &[&bytes[..start], &block, &bytes[end..]].concat());
    ending.unwrap();
    assert_eq!(found[0].skip.as_deref(), Some("Elsewhere(\"it goes on in another volume\")"));
    assert_eq!((found[1].error.as_deref(), &found[1].bytes[..]), (Some("container is damaged"), &b""[..]));
}

#[test]
fn links_are_links() {
    let mut link = file("link", b"far/away");
    link.attributes = 0o120_777;
    let (found, ending) = all(RAR, &old(0, &[link]));
    ending.unwrap();
    assert_eq!(found[0].skip, Some(format!("Link({:?})", b"far/away")));
    // What is said to be a link and is a picture is given.
    let mut link = file("link", b"\xff\xd8\xff\xe0");
    link.attributes = 0o120_777;
    assert_eq!(good(RAR, &old(0, &[link]))[0].1, b"\xff\xd8\xff\xe0");
    for kind in 1..=5 {
        let mut link = file("link", b"");
        let record = [numbers(&[5, kind, 0, 8]), b"far/away".to_vec()].concat();
        link.extra = [number(record.len() as u64), record].concat();
        let (found, ending) = all(RAR, &new(0, &[link]));
        ending.unwrap();
        assert_eq!(found[0].skip, Some(format!("Link({:?})", b"far/away")), "{kind}");
    }
}

#[test]
fn parts_of_members_in_other_volumes_are_told() {
    for (archive, expected) in [
        ("rar5-volume1.rar", "Elsewhere(\"it goes on in another volume\")"),
        ("rar5-volume6.rar", "Elsewhere(\"it begins in another volume\")"),
    ] {
        let (found, ending) = all(RAR, &archive_of_rar(archive));
        ending.unwrap();
        let skips = found.iter().filter_map(|found| found.skip.as_deref()).collect::<Vec<_>>();
        assert_eq!(skips, [expected], "{archive}");
        assert!(found.iter().all(|found| found.skip.is_some() || found.error.is_none()));
    }
}

#[test]
fn wrong_checksums_are_damage_and_others_are_read() {
    let mut wrong = file("wrong", b"bytes");
    wrong.crc ^= 1;
    for archive in both(&[wrong, file("right", b"bytes")]) {
        let (found, ending) = all(RAR, &archive);
        ending.unwrap();
        assert_eq!(
            (found[0].error.as_deref(), &found[0].bytes[..]),
            (Some("container is damaged"), &b"bytes"[..])
        );
        assert_eq!((found[1].error.as_deref(), &found[1].bytes[..]), (None, &b"bytes"[..]));
    }
    for version in VERSIONS {
        let (one, two) = (text(1, 30_000), text(2, 30_000));
        let mut archive = packed(version, false, &[("one", one), ("two", two.clone())]);
        let (found, _) = all(RAR, &archive);
        // A byte of the data of the first.
        archive[found[1].offset.unwrap() as usize - 100] ^= 0x10;
        let (found, ending) = all(RAR, &archive);
        ending.unwrap();
        assert_eq!(found[0].error.as_deref(), Some("container is damaged"), "{version}");
        assert!(found[1].error.is_none() && found[1].bytes == two, "{version}");
    }
}

#[test]
fn blake2_is_checked() {
    let mut archive = archive_of_rar("rar5-blake2.rar");
    let content = good(RAR, &archive).remove(0).1;
    let at = position(&archive, &content);
    archive[at] ^= 1;
    let (found, _) = all(RAR, &archive);
    assert_eq!(found[0].error.as_deref(), Some("container is damaged"));
}

#[test]
fn damage_in_a_solid_archive_is_told_of_all_behind_it() {
    for version in VERSIONS {
        let mut archive = packed(version, true, &files());
        let (found, _) = all(RAR, &archive);
        archive[found[1].offset.unwrap() as usize - 100] ^= 0x10;
        let (found, ending) = all(RAR, &archive);
        ending.unwrap();
        assert_eq!(names(&found), files().iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{version}");
        assert!(found[0].error.is_some() && found[1].error.is_some(), "{version}: {:?}", found[1].error);
        // A member is right, or it is told that it is not.
        for (found, (name, bytes)) in found.iter().zip(files()) {
            assert!(found.error.is_some() || found.bytes == bytes, "{version}: {name}");
        }
    }
}

#[test]
fn sizes_that_lie_are_damage() {
    for wrong in [4, 6, 1 << 20, 1 << 40] {
        let mut lie = file("lie", b"bytes");
        lie.size = wrong;
        for archive in both(&[lie, file("right", b"bytes")]) {
            let (found, ending) = all(RAR, &archive);
            ending.unwrap();
            assert_eq!(
                (found[0].error.as_deref(), &found[0].bytes[..]),
                (Some("container is damaged"), &b"bytes"[..])
            );
            assert_eq!(found[1].bytes, b"bytes");
        }
    }
}

#[test]
fn headers_that_lie_are_damage() {
    let first = file("first", b"bytes");
    let head = [NEW, &new_block(1, 0, &number(0), b"", b""), &new_file(&first)].concat();
    let fields = |name: &[u8]| [numbers(&[0, 5, 0, 0, 1, name.len() as u64]), name.to_vec()].concat();
    let long = |len: u64| [&[1, 2, 3, 4][..], &number(len), b"and more"].concat();
    let of_5 = [
        // Data of almost 2^64 bytes, more than there is, and a header that is longer than it may be or than there is.
        new_block_of(2, 0, &fields(b"a"), b"", b"bytes", u64::MAX),
        new_block_of(2, 0, &fields(b"a"), b"", b"bytes", 1 << 40),
        long(u64::MAX),
        long(1 << 31),
        long(1 << 20),
        long(0),
        // A name that is longer than its header.
        new_block(2, 0, &numbers(&[0, 5, 0, 0, 1, 100]), b"", b"bytes"),
        // Nothing but the kind.
        new_block(2, 0, b"", b"", b""),
        vec![0x80; 100],
    ];
    for (number, lie) in of_5.iter().enumerate() {
        let (found, ending) = all(RAR, &[&head[..], lie].concat());
        assert_eq!(found[0].bytes, b"bytes");
        let is_told = ending.is_err() || found.get(1).is_some_and(|found| found.error.is_some());
        assert!(is_told, "{number}: {ending:?} {found:?}");
    }
    let head = [OLD, &old_block(0x73, 0, &[0; 6], b""), &old_file(&first)].concat();
    let with_len = |len: u16| [&[0, 0, 0x74, 0, 0x80][..], &len.to_le_bytes(), &[0; 40]].concat();
    let mut large = old_file(&file("large", b"bytes"));
    // Data of 4 GiB, in a header that is right.
    large[7..11].copy_from_slice(&[0xff; 4]);
    let len = large.len() - 5;
    let sum = crc(&large[2..len]).to_le_bytes();
    large[..2].copy_from_slice(&sum[..2]);
    let of_4 = [with_len(0), with_len(6), with_len(32), with_len(u16::MAX), large, vec![0; 100]];
    for (number, lie) in of_4.iter().enumerate() {
        let (found, ending) = all(RAR, &[&head[..], lie].concat());
        assert_eq!(found[0].bytes, b"bytes");
        let is_told = ending.is_err() || found.get(1).is_some_and(|found| found.error.is_some());
        assert!(is_told, "{number}: {ending:?} {found:?}");
    }
}

fn with_memory(archive: &[u8], memory: u64) -> (Vec<Found>, Result<(), ContainerError>) {
    let meter = Meter::new(Limits { memory, ..Limits::default() }, archive.len() as u64);
    let mut found = Vec::new();
    let ending = each_member(RAR, archive, &meter, &mut |member| {
        found.push(common::read(member));
        ControlFlow::Continue(())
    });
    (found, ending)
}

/// A member packed as RAR 5 (0) or 7 (1) does, with the dictionary that `compression` tells of.
fn with_dictionary(version: u8, compression: u64, bytes: &[u8]) -> Vec<u8> {
    const NORMAL: u64 = 3 << 7;
    let mut file = file("member", &rars::codec::rar50::encode_lz_member(bytes, version).unwrap());
    (file.size, file.crc) = (bytes.len() as u64, crc(bytes));
    file.compression = u64::from(version) | NORMAL | compression;
    new(0, &[file])
}

#[test]
fn a_dictionary_takes_what_there_is_to_be_in_it() {
    let bytes = text(1, 100_000);
    // 4 GiB, the most of RAR 5; 64 GiB and 1 TiB, the most that RAR 7 takes and the most that it can say.
    for (version, claim) in [(0, 15 << 10), (1, 19 << 10), (1, 23 << 10)] {
        let (found, ending) = with_memory(&with_dictionary(version, claim, &bytes), 4 << 20);
        ending.unwrap();
        assert!(found[0].error.is_none() && found[0].bytes == bytes, "{claim:#x}: {:?}", found[0].error);
    }
    // Of members that were packed as RAR 5 does, and have more dictionary.
    let (found, ending) = all(RAR, &with_dictionary(1, 1 << 20, &bytes));
    ending.unwrap();
    assert_eq!(found[0].error.as_deref(), Some("container is not supported"));
    // Bytes that need all of the dictionary.
    let mut builder = Builder::new(ArchiveVersion::Rar50);
    builder.add_bytes(b"large".to_vec(), noise(6 << 20, 1), None, None).unwrap();
    builder.add_bytes(b"small".to_vec(), noise(30_000, 2), None, None).unwrap();
    let archive = builder.to_bytes().unwrap();
    let (found, ending) = with_memory(&archive, 5 << 20);
    ending.unwrap();
    assert_eq!(found[0].error.as_deref(), Some("container is over the limits"));
    assert!(found[1].error.is_none() && found[1].bytes == noise(30_000, 2));
    assert!(good(RAR, &archive)[0].1 == noise(6 << 20, 1));
}

#[test]
fn a_model_of_ppmd_takes_no_more_than_there_is() {
    let archive = archive_of_rar("rar300-ppmd.rar");
    let (found, ending) = with_memory(&archive, 100_000);
    ending.unwrap();
    assert_eq!(found[0].error.as_deref(), Some("container is over the limits"));
}

#[test]
fn a_member_that_is_larger_than_the_memory_is_told() {
    let large = vec![7; 3 << 20];
    for version in VERSIONS {
        let archive = packed(version, false, &[("large", large.clone()), ("small", text(1, 3000))]);
        let (found, ending) = with_memory(&archive, 2 << 20);
        ending.unwrap();
        assert_eq!(found[0].error.as_deref(), Some("container is over the limits"), "{version}");
        assert_eq!(found[1].bytes, text(1, 3000), "{version}");
    }
    // What is stored may have any size.
    for archive in both(&[file("large", &large)]) {
        let (found, ending) = with_memory(&archive, 1 << 20);
        ending.unwrap();
        assert!(found[0].error.is_none() && found[0].bytes == large);
    }
}

#[test]
fn headers_of_a_solid_archive_take_no_more_than_the_memory() {
    let files = (0..500).map(|number| file(&number.to_string(), b"bytes")).collect::<Vec<_>>();
    for archive in [old(8, &files), new(4, &files)] {
        let (found, ending) = with_memory(&archive, 100_000);
        assert!(matches!(ending, Err(ContainerError::Exceeded(Exceeded::Memory { .. }))), "{ending:?}");
        assert!((10..500).contains(&found.len()), "{}", found.len());
        assert_eq!(good(RAR, &archive).len(), 500);
    }
}

/// Members that nobody reads are unpacked all the same.
#[test]
fn what_is_not_read_counts() {
    let zeros = vec![0; 8 << 20];
    for version in [ArchiveVersion::Rar29, ArchiveVersion::Rar50] {
        for is_solid in [false, true] {
            let archive = packed(
                version,
                is_solid,
                &[("1", zeros.clone()), ("2", zeros.clone()), ("3", zeros.clone())],
            );
            let meter = Meter::new(Limits { ratio: 10, ..Limits::default() }, archive.len() as u64);
            let mut count = 0;
            let ending = each_member(RAR, &archive, &meter, &mut |_| {
                count += 1;
                ControlFlow::Continue(())
            });
            assert!(matches!(ending, Err(ContainerError::Exceeded(Exceeded::Ratio(10)))), "{ending:?}");
            assert_eq!(count, 2);
        }
    }
}

#[test]
fn it_ends_when_it_is_told_to() {
    for version in VERSIONS {
        for is_solid in [false, true] {
            let archive = packed(version, is_solid, &files());
            let meter = Meter::new(Limits::default(), archive.len() as u64);
            let mut count = 0;
            let ending = each_member(RAR, &archive, &meter, &mut |member| {
                count += 1;
                let is_two = member.name == b"folder/two";
                assert!(matches!(member.content, Content::Bytes(..)));
                if is_two { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            ending.unwrap();
            assert_eq!(count, 2, "{version} {is_solid}");
        }
    }
}

/// Archives of a few hundred bytes, of every kind.
static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let files = [("one", text(1, 300)), ("two", text(1, 400)), ("three", noise(30, 1))];
    let stored = files.iter().map(|(name, bytes)| file(name, &bytes[..30])).collect::<Vec<_>>();
    let mut archives = both(&stored).to_vec();
    for version in VERSIONS {
        archives.extend([packed(version, false, &files), packed(version, true, &files)]);
    }
    for name in ["rar5-solid.rar", "rar300-solid.rar", "rar5-blake2.rar", "rar300-ppmd.rar"] {
        archives.push(archive_of_rar(name));
    }
    archives
});

/// Where the headers of RAR 1.5 to 4 begin.
fn headers(archive: &[u8]) -> Vec<usize> {
    let (mut at, mut headers) = (OLD.len(), Vec::new());
    while at < archive.len() {
        headers.push(at);
        let header = &archive[at..];
        let len = u16::from_le_bytes([header[5], header[6]]);
        let has_data = header[4] & 0x80 != 0;
        let data =
            if has_data { header[7..].first_chunk().map_or(0, |data| u32::from_le_bytes(*data)) } else { 0 };
        at += usize::from(len) + data as usize;
    }
    headers
}

#[test]
fn cut_anywhere_what_was_there_is_given() {
    for archive in SMALL.iter() {
        let (whole, ending) = all(RAR, archive);
        ending.unwrap();
        let is_old = archive.starts_with(OLD);
        let headers = if is_old { headers(archive) } else { Vec::new() };
        for cut in 8..archive.len() {
            let (found, ending) = all(RAR, &archive[..cut]);
            let starts = whole.iter().map(|found| found.offset.unwrap() as usize).collect::<Vec<_>>();
            let ends = starts.iter().skip(1).filter(|end| **end <= cut).count();
            // All that are whole, as they are, and of the next one the beginning, if there is anything.
            for (one, other) in whole.iter().take(ends).zip(&found) {
                assert_eq!(one, other, "cut at {cut}");
            }
            assert!(found.len() >= ends && found.len() <= ends + 1, "cut at {cut}");
            for (one, other) in whole.iter().zip(&found).skip(ends) {
                let is_right = one.bytes == other.bytes && other.error.is_none();
                let is_told = one.bytes.starts_with(&other.bytes) && other.error.is_some();
                assert!(is_right || is_told, "cut at {cut}: {other:?}");
            }
            // RAR 1.5 to 4 may end behind any member, but not without a main header.
            let may_end = headers.contains(&cut) && cut > OLD.len();
            assert_eq!(ending.is_ok(), may_end, "cut at {cut}: {ending:?}");
            lykta_source::fuzz::containers(&archive[..cut]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// With the checksums of headers as they should be, so that spoiled ones are read.
    #[test]
    fn spoiled_headers_keep_the_properties(
        archive in any::<proptest::sample::Index>(),
        spoiled in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut archive = SMALL[archive.index(SMALL.len())].clone();
        let (found, _) = all(RAR, &archive);
        let start = found[0].offset.unwrap() as usize;
        let is_old = archive.starts_with(OLD);
        let len = if is_old {
            usize::from(u16::from_le_bytes([archive[start + 5], archive[start + 6]]))
        } else {
            5 + usize::from(archive[start + 4])
        };
        for (at, with) in spoiled {
            let at = start + 7 + at.index(len - 7);
            archive[at] = with;
        }
        if is_old {
            let sum = crc(&archive[start + 2..start + len]).to_le_bytes();
            archive[start..start + 2].copy_from_slice(&sum[..2]);
        } else {
            let sum = crc(&archive[start + 4..start + len]).to_le_bytes();
            archive[start..start + 4].copy_from_slice(&sum);
        }
        lykta_source::fuzz::containers(&archive);
    }
}
