//! Zip, by its directory and without it.

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]

mod common;

use std::io::Write;

use common::{Found, Zip, all, bzip2, deflate, each_member, good, noise, read, xz, zstd};
use lykta_source::container::{Container, ContainerError, Exceeded, Limits, Meter};
use proptest::prelude::*;
use std::ops::ControlFlow;

const ZIP: Container = Container::Zip;

fn lzma(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::LzmaOptions::with_preset(1);
    let header = [&[9, 20, 5, 0, options.get_props()][..], &options.dict_size.to_le_bytes()].concat();
    let mut encoder = lzma_rust2::LzmaWriter::new_no_header(header, &options, true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ppmd(bytes: &[u8]) -> Vec<u8> {
    // Order 6, 4 MiB, begun anew when that is used up.
    let mut encoder =
        ppmd_rust::Ppmd8Encoder::new(vec![0x35, 0], 6, 4 << 20, ppmd_rust::RestoreMethod::Restart).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish(false).unwrap()
}

type Pack = fn(&[u8]) -> Vec<u8>;

/// Every method that is read. What deflate64 has more than deflate no packer here makes.
const METHODS: [(u16, u16, Pack); 9] = [
    (0, 0, <[u8]>::to_vec),
    (8, 0, deflate),
    (9, 0, deflate),
    (12, 0, bzip2),
    (14, 2, lzma),
    (20, 0, zstd),
    (93, 0, zstd),
    (95, 0, xz),
    (98, 0, ppmd),
];

/// The archive, its names and bytes, and where they are.
type Made = (Vec<u8>, Vec<(String, Vec<u8>)>, Vec<u64>);

/// One member of each method, between folders.
fn every_method(mut zip: Zip) -> Made {
    let (mut expected, mut offsets) = (Vec::new(), Vec::new());
    for (method, flags, pack) in METHODS {
        for len in [0, 1, 50_000] {
            let (name, content) = (format!("folder/{method}-{len}"), noise(len, len as u64));
            zip.add(b"folder/", 0, 0, b"", b"");
            offsets.push(zip.add(name.as_bytes(), method, flags, &pack(&content), &content));
            expected.push((name, content));
        }
    }
    (zip.finish(), expected, offsets)
}

#[test]
fn every_method_is_read_wherever_the_numbers_are() {
    for (is_64, has_descriptors) in [(false, false), (false, true), (true, false), (true, true)] {
        let (bytes, expected, offsets) = every_method(Zip { is_64, has_descriptors, ..Zip::default() });
        assert!(good(ZIP, &bytes) == expected, "{is_64} {has_descriptors}");
        let (found, _) = all(ZIP, &bytes);
        assert!(found.iter().map(|found| found.offset.unwrap()).eq(offsets.iter().copied()));
        // With something in front.
        let moved = [&noise(5000, 3)[..], &bytes].concat();
        let (found, ending) = all(ZIP, &moved);
        ending.unwrap();
        assert!(found.iter().map(|found| &found.bytes).eq(expected.iter().map(|(_, bytes)| bytes)));
        assert!(found.iter().map(|found| found.offset.unwrap()).eq(offsets.iter().map(|at| at + 5000)));
    }
}

#[test]
fn archives_of_another_writer_are_read() {
    let mut bytes = Vec::new();
    let mut writer = rawzip::ZipArchiveWriter::new(&mut bytes);
    let names = ["one", "two/three", "two/three", "d\u{e5}lig"];
    for (seed, name) in (0..).zip(names) {
        let (mut entry, config) =
            writer.new_file(name).compression_method(rawzip::CompressionMethod::Deflate).start().unwrap();
        let mut data =
            config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast()));
        data.write_all(&noise(10_000, seed)).unwrap();
        let descriptor = data.finish().unwrap().1;
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap();
    let expected = (0..).zip(names).map(|(seed, name)| (name.to_owned(), noise(10_000, seed)));
    assert!(good(ZIP, &bytes) == expected.collect::<Vec<_>>());
    assert!(good(ZIP, &Zip::default().finish()).is_empty());
}

#[test]
fn what_is_not_read_is_there_with_its_reason() {
    let mut zip = Zip::default();
    zip.add(b"secret", 8, 1, b"xxxxxxxxxxxxxxxx", b"text");
    zip.add(b"more secret", 99, 1, b"xxxxxxxxxxxxxxxx", b"text");
    zip.add(b"imploded", 6, 0, b"xxxxxxxxxxxxxxxx", b"text");
    zip.add(b"\xff\xfe", 0, 0, b"text", b"text");
    zip.add(b"folder/with bytes/", 0, 0, b"text", b"text");
    let mut crc = flate2::Crc::new();
    crc.update(b"far away");
    zip.add_entry(b"link", 8, 0, &deflate(b"far away"), 8, crc.sum(), 0o120_777);
    zip.add_entry(b"wrong", 8, 0, &deflate(b"far away"), 8, 77, 0);
    zip.add_entry(b"short", 8, 0, &deflate(b"far away"), 80, crc.sum(), 0);
    zip.add_directory_entry(b"nowhere", 8, 0, (1, 2, 3), 0, 3);
    zip.add_directory_entry(b"behind", 8, 0, (1, 2, 3), 0, 0xffff_fff0);
    zip.add_directory_entry(b"longer", 0, 0, (1, 0xf000_0000, 0xf000_0000), 0, 0);
    zip.add(b"last", 0, 0, b"text", b"text");
    let (found, ending) = all(ZIP, &zip.finish());
    ending.unwrap();
    let told = |found: &Found| match (&found.skip, &found.error) {
        (Some(skip), _) => skip.clone(),
        (_, Some(error)) => format!("{error} after {}", found.bytes.len().min(1000)),
        _ => String::from_utf8(found.bytes.clone()).unwrap(),
    };
    let told = found.iter().map(|found| (String::from_utf8_lossy(&found.name).into_owned(), told(found)));
    let expected = [
        ("secret", "Encrypted"),
        ("more secret", "Encrypted"),
        ("imploded", "container is not supported after 0"),
        ("\u{fffd}\u{fffd}", "text"),
        ("folder/with bytes/", "text"),
        ("link", "Link([102, 97, 114, 32, 97, 119, 97, 121])"),
        ("wrong", "container is damaged after 8"),
        ("short", "container is damaged after 8"),
        ("nowhere", "container is damaged after 0"),
        ("behind", "container is damaged after 0"),
        ("longer", "container is cut short after 1000"),
        ("last", "text"),
    ];
    assert!(found[9].name == b"behind" && found[3].name == b"\xff\xfe");
    assert_eq!(told.collect::<Vec<_>>(), expected.map(|(name, what)| (name.to_owned(), what.to_owned())));
}

/// One attribute of a member must not hide what it holds.
#[test]
fn what_is_said_to_be_a_link_and_is_no_path_is_given() {
    let jpeg = [&b"\xff\xd8\xff\xe0"[..], &noise(3000, 1)].concat();
    let inner = {
        let mut zip = Zip::default();
        zip.add(b"inner", 0, 0, b"text", b"text");
        zip.finish()
    };
    let mut zip = Zip::default();
    for content in [&jpeg, &inner] {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        for (method, packed) in [(0, content.clone()), (8, deflate(content))] {
            zip.add_entry(b"link", method, 0, &packed, content.len() as u64, crc.sum(), 0o120_777);
            // It says that it is shorter.
            zip.add_entry(b"link", method, 0, &packed, 1, crc.sum(), 0o120_777);
        }
    }
    let (found, ending) = all(ZIP, &zip.finish());
    ending.unwrap();
    assert_eq!(found.len(), 8);
    for (k, found) in found.iter().enumerate() {
        let content = if k < 4 { &jpeg } else { &inner };
        assert!(found.bytes == *content && found.skip.is_none(), "{k}: {:?}", found.skip);
        assert_eq!(found.error.is_some(), k % 2 == 1, "{k}");
    }
}

#[test]
fn what_a_directory_does_not_list_is_found() {
    let build = |listed: [bool; 5], has_descriptors: bool| {
        let mut zip = Zip { has_descriptors, ..Zip::default() };
        for (k, is_listed) in listed.into_iter().enumerate() {
            let (directory, count) = (zip.directory.clone(), zip.count);
            let content = noise(700 + k, k as u64);
            zip.add(format!("{k}").as_bytes(), 8, 0, &deflate(&content), &content);
            if !is_listed {
                (zip.directory, zip.count) = (directory, count);
            }
        }
        zip
    };
    for has_descriptors in [false, true] {
        for listed in [[false, true, true, true, true], [true, false, false, true, false], [false; 5]] {
            let (mut found, ending) = all(ZIP, &build(listed, has_descriptors).finish());
            ending.unwrap();
            found.sort_by_key(|found| found.offset);
            assert_eq!(found.len(), 5, "{listed:?}");
            for (k, found) in found.iter().enumerate() {
                assert_eq!(found.name, format!("{k}").as_bytes());
                assert!(found.bytes == noise(700 + k, k as u64) && found.error.is_none(), "{listed:?} {k}");
            }
        }
    }
    // Other bytes.
    for (bytes, is_told) in [(&[0; 500][..], false), (b"\0\0x", true)] {
        let mut zip = build([true; 5], false);
        zip.bytes.extend(bytes);
        let (found, ending) = all(ZIP, &zip.finish());
        assert_eq!((found.len(), ending.is_err()), (5, is_told), "{ending:?}");
    }
    let mut zip = build([true; 5], false);
    let len = 32u64.to_le_bytes();
    zip.bytes.extend([&len[..], b"sigs....", &len, b"APK Sig Block 42"].concat());
    all(ZIP, &zip.finish()).1.unwrap();
}

/// What hides where a directory leads nobody: bytes, whether they are told of, and how many members are in them.
fn hidden() -> [(Vec<u8>, bool, usize); 4] {
    let jpeg = [&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], &noise(3000, 1)].concat();
    let mut zip = Zip::default();
    zip.add(b"hidden", 8, 0, &deflate(&jpeg), &jpeg);
    let both = [&zip.bytes[..], &jpeg].concat();
    [(Vec::new(), false, 0), (vec![0; 500], false, 0), (jpeg, true, 0), (both, true, 1)]
}

/// Asserts that of an archive with the member `name`, and hidden bytes that end at `end`, all is found or told.
fn assert_none_is_lost(archive: &[u8], end: usize, (bytes, is_told, count): &(Vec<u8>, bool, usize)) {
    let (found, ending) = all(ZIP, archive);
    let names = found.iter().map(|found| &found.name[..]).collect::<Vec<_>>();
    assert_eq!(names, [&b"name"[..], b"hidden"][..1 + count]);
    assert!(found.iter().all(|found| found.error.is_none()), "{found:?}");
    // A member takes what it takes: the picture behind it is told of.
    let len = if *count > 0 { 3010 } else { bytes.len() };
    let expected = is_told.then(|| format!("{len} bytes at byte {} are of no member of it", end - len));
    let told = ending.err().map(|error| match error {
        ContainerError::Damaged(told) => told,
        error => panic!("{error}"),
    });
    assert_eq!(told, expected);
}

#[test]
fn what_lies_behind_the_stream_of_a_member_is_looked_into_and_told() {
    for has_descriptors in [false, true] {
        for hidden in hidden() {
            let content = noise(20_000, 2);
            let packed = [deflate(&content), hidden.0.clone()].concat();
            let mut zip = Zip { has_descriptors, ..Zip::default() };
            zip.add(b"name", 8, 0, &packed, &content);
            let end = 30 + b"name".len() + packed.len();
            let archive = zip.clone().finish();
            assert_none_is_lost(&archive, end, &hidden);
            // Of a member that no directory lists, too, whose end is known.
            if !has_descriptors {
                (zip.directory, zip.count) = (Vec::new(), 0);
                assert_none_is_lost(&zip.finish(), end, &hidden);
            }
        }
    }
}

#[test]
fn what_lies_behind_streams_that_may_have_others_behind_them_is_an_error_of_the_member() {
    for (method, flags, pack) in METHODS.into_iter().filter(|(method, ..)| [12, 20, 93, 95].contains(method))
    {
        let content = noise(20_000, 2);
        let mut zip = Zip::default();
        zip.add(b"name", method, flags, &[pack(&content), noise(300, 1)].concat(), &content);
        let (found, ending) = all(ZIP, &zip.finish());
        ending.unwrap();
        assert!(found.len() == 1 && found[0].error.is_some(), "{method}");
    }
}

/// Where such a stream ends is known within three bytes, which must not hide the beginning of what follows.
#[test]
fn what_lies_behind_a_stream_of_deflate64_is_looked_into_and_told() {
    for len in 0..50 {
        for (bytes, is_told, count) in hidden() {
            let content = noise(len, 2);
            let mut zip = Zip::default();
            zip.add(b"name", 9, 0, &[deflate(&content), bytes].concat(), &content);
            let (found, ending) = all(ZIP, &zip.finish());
            assert_eq!(found.len(), 1 + count);
            assert!(found[0].bytes == content && found.iter().all(|found| found.error.is_none()));
            // Bytes of the stream itself may be told of with zeros.
            let is_blank = !is_told;
            assert!(ending.is_err() || is_blank, "{len}: {ending:?}");
        }
    }
}

#[test]
fn what_lies_between_a_directory_and_its_end_is_looked_into_and_told() {
    const SIGNATURE: &[u8] = b"PK\x05\x05\x09\0signature";
    for is_64 in [false, true] {
        for signature in [&b""[..], SIGNATURE] {
            for hidden in hidden() {
                let mut zip = Zip { is_64, ..Zip::default() };
                zip.add(b"name", 0, 0, b"text", b"text");
                let directory_end = zip.bytes.len() + zip.directory.len();
                let bytes = zip.finish();
                let (front, end) = bytes.split_at(directory_end);
                let mut archive = [front, signature, &hidden.0, end].concat();
                let end_at = directory_end + signature.len() + hidden.0.len();
                if is_64 {
                    // Where the larger end is.
                    let at = end_at + 56 + 8;
                    archive[at..at + 8].copy_from_slice(&(end_at as u64).to_le_bytes());
                }
                assert_none_is_lost(&archive, end_at, &hidden);
            }
        }
    }
}

#[test]
fn what_lies_behind_an_archive_is_looked_into_and_told() {
    for comment in ["", "what is in it"] {
        for hidden in hidden() {
            let mut zip = Zip::default();
            zip.add(b"name", 0, 0, b"text", b"text");
            let mut bytes = zip.finish();
            let len_at = bytes.len() - 2;
            bytes[len_at..].copy_from_slice(&(comment.len() as u16).to_le_bytes());
            let archive = [&bytes, comment.as_bytes(), &hidden.0].concat();
            assert_none_is_lost(&archive, archive.len(), &hidden);
            // In the comment.
            if comment.is_empty() {
                bytes[len_at..].copy_from_slice(&(hidden.0.len() as u16).to_le_bytes());
                let archive = [&bytes, &hidden.0[..]].concat();
                assert_none_is_lost(&archive, archive.len(), &hidden);
            }
        }
    }
}

/// A length that no file has, of a stream that ends soon.
#[test]
fn a_member_that_states_the_largest_length_is_read_to_the_end_of_its_stream() {
    for method in [8, 9] {
        let mut crc = flate2::Crc::new();
        crc.update(b"text");
        let mut zip = Zip { is_64: true, ..Zip::default() };
        zip.add(b"name", method, 0, &deflate(b"text"), b"text");
        zip.directory.clear();
        zip.add_directory_entry(b"name", method, 0, (crc.sum(), u64::MAX, 4), 0, 0);
        zip.count = 1;
        zip.bytes.extend(noise(20_000, 1));
        let (found, ending) = all(ZIP, &zip.finish());
        assert!(found.len() == 1 && found[0].bytes == b"text" && found[0].error.is_none(), "{found:?}");
        assert!(matches!(ending, Err(ContainerError::Damaged(_))), "{ending:?}");
    }
}

/// A member that states more than there is must not hide what is behind the archive.
#[test]
fn what_lies_behind_an_archive_is_told_whatever_a_member_states() {
    let mut zip = Zip::default();
    zip.add(b"name", 0, 0, b"text", b"text");
    zip.add_directory_entry(b"longer", 0, 0, (1, 0xf000_0000, 0xf000_0000), 0, 0);
    let mut archive = zip.finish();
    let len = archive.len();
    archive.extend(noise(300, 1));
    let (_, ending) = all(ZIP, &archive);
    let told = format!("300 bytes at byte {len} are of no member of it");
    assert!(matches!(&ending, Err(ContainerError::Damaged(said)) if *said == told), "{ending:?}");
}

/// Half-copied archives have no directory, and all that was copied is still there.
#[test]
fn without_a_directory_members_are_found_by_their_own_headers() {
    for (is_64, has_descriptors) in [(false, false), (false, true), (true, false), (true, true)] {
        let (bytes, expected, offsets) = every_method(Zip { is_64, has_descriptors, ..Zip::default() });
        let end = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let (found, ending) = all(ZIP, &bytes[..end]);
        assert!(matches!(ending, Err(ContainerError::CutShort)), "{ending:?}");
        for found in &found {
            assert_eq!(
                found.error,
                None,
                "{} {is_64} {has_descriptors}",
                String::from_utf8_lossy(&found.name)
            );
        }
        assert!(found.iter().map(|found| found.offset.unwrap()).eq(offsets));
        assert!(found.iter().map(|found| &found.bytes).eq(expected.iter().map(|(_, bytes)| bytes)));
        // A directory that is spoiled in the middle.
        let mut spoiled = bytes.clone();
        let second = end + 4 + spoiled[end + 4..].windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        spoiled[second] = b'x';
        let (again, ending) = all(ZIP, &spoiled);
        assert!(matches!(ending, Err(ContainerError::Damaged(_))), "{ending:?}");
        assert!(again == found);
    }
}

#[test]
fn a_member_that_lies_about_its_length_hides_no_other_without_a_directory() {
    let mut zip = Zip::default();
    zip.add(b"one", 8, 0, &deflate(b"one"), b"one");
    zip.add(b"two", 8, 0, &deflate(b"two"), b"two");
    zip.add(b"three", 8, 0, &deflate(b"three"), b"three");
    // Behind the archive, and into the second member.
    for (at, byte) in [(21, 0x7f), (18, 40)] {
        let mut bytes = zip.bytes.clone();
        bytes[at] = byte;
        let (found, _) = all(ZIP, &bytes);
        let names = found.iter().map(|found| &found.name[..]).collect::<Vec<_>>();
        assert_eq!(names, [&b"one"[..], b"two", b"three"]);
        assert!(found[1].bytes == b"two" && found[2].bytes == b"three");
    }
}

/// Many entries that share their bytes: 10 MB give 281 TB in the known one.
#[test]
fn overlapping_entries_end_in_time() {
    let mut zip = Zip::default();
    let content = vec![0; 4 << 20];
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    let packed = deflate(&content);
    zip.add(b"zeros", 8, 0, &packed, &content);
    for number in 0..20_000 {
        let name = format!("{number}");
        let numbers = (crc.sum(), packed.len() as u64, content.len() as u64);
        zip.add_directory_entry(name.as_bytes(), 8, 0, numbers, 0, 0);
    }
    let bytes = zip.finish();
    let meter = Meter::new(Limits::default(), bytes.len() as u64);
    let mut count = 0u64;
    let ending = each_member(ZIP, &bytes, &meter, &mut |member| {
        count += read(member).bytes.len() as u64;
        ControlFlow::Continue(())
    });
    assert!(matches!(ending, Err(ContainerError::Exceeded(Exceeded::Ratio(1000)))), "{ending:?}");
    assert!(count <= 1001 * bytes.len() as u64 && count > 900 * bytes.len() as u64, "{count}");
}

#[test]
fn whoever_breaks_ends_it() {
    let (bytes, ..) = every_method(Zip::default());
    for bytes in [&bytes[..], &bytes[..bytes.len() - 30]] {
        let meter = Meter::new(Limits::default(), bytes.len() as u64);
        let mut count = 0;
        let ending = each_member(ZIP, bytes, &meter, &mut |_| {
            count += 1;
            if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        ending.unwrap();
        assert_eq!(count, 3);
    }
}

proptest! {
    /// A member that is given without an error is as it was: checksums say so.
    #[test]
    fn spoiled_archives_give_what_was_in_them_or_errors(
        at in any::<proptest::sample::Index>(), with in 1u8..,
        cut in proptest::option::of(any::<proptest::sample::Index>()),
        is_64: bool, has_descriptors: bool,
    ) {
        let mut zip = Zip { is_64, has_descriptors, ..Zip::default() };
        let contents = [noise(700, 1), noise(900, 2), noise(20, 3)];
        for (number, content) in contents.iter().enumerate() {
            let (method, flags, pack) = METHODS[number * 3 % METHODS.len()];
            zip.add(b"name", method, flags, &pack(content), content);
        }
        let mut bytes = zip.finish();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let (found, ending) = all(ZIP, &bytes);
        for found in found.iter().filter(|found| found.error.is_none() && found.skip.is_none()) {
            // Spoiled headers can make a member without a checksum, in an archive that ends with an error.
            prop_assert!(contents.contains(&found.bytes) || ending.is_err(), "{found:?}");
        }
    }
}
