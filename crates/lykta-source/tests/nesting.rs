//! Containers inside one another, as deep as they are looked into, on the smallest stack that a thread may have.

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]

mod common;

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use common::{Zip, bzip2, deflate, gzip, xz, zstd};
use lykta_source::container::{
    Access, Container, ContainerError, Content, Exceeded, Input, Limits, Meter, members,
};

const STACK: usize = 2 << 20;

/// Looks into everything, front to back where that can be. Returns how deep it was, and what was wrong first.
fn dive(container: Container, input: Input<'_>, meter: &Meter) -> (u32, Option<ContainerError>) {
    let (mut deepest, mut error) = (0, None);
    let ending = members(container, input, meter, &mut |member| {
        let Content::Bytes(stream, _) = member.content else { return ControlFlow::Continue(()) };
        let mut head = Vec::new();
        if let Err(fault) = stream.take(Container::SNIFF_LEN as u64).read_to_end(&mut head) {
            error = Some(fault.into());
            return ControlFlow::Continue(());
        }
        let Some(inner) = member.known.or_else(|| Container::sniff(&head)) else {
            assert_eq!(head, b"innermost");
            return ControlFlow::Continue(());
        };
        let mut rest = head.chain(stream);
        let mut held = Vec::new();
        let inside = match inner.access() {
            Access::Stream => dive(inner, Input::Stream(&mut rest), meter),
            Access::Whole | Access::Random => {
                rest.read_to_end(&mut held).unwrap();
                let len = held.len() as u64;
                match inner.access() {
                    Access::Random => dive(inner, Input::Random(&mut Cursor::new(&held), len), meter),
                    _ => dive(inner, Input::Whole(&held), meter),
                }
            }
        };
        deepest = deepest.max(inside.0);
        error = error.take().or(inside.1);
        ControlFlow::Continue(())
    });
    (deepest + 1, error.or(ending.err()))
}

/// A gzip file with an empty member, which has a long header, in front.
fn long_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut first = gzip(b"");
    first[3] = 4;
    first.splice(10..10, [&300u16.to_le_bytes()[..], &[1; 300]].concat());
    [first, gzip(bytes)].concat()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut zip = Zip::default();
    zip.add(b"name", 8, 0, &deflate(bytes), bytes);
    zip.finish()
}

fn tar(bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, "name", bytes).unwrap();
    builder.into_inner().unwrap()
}

/// A mailbox of one message, whose only part is this.
fn mbox(bytes: &[u8]) -> Vec<u8> {
    let text = data_encoding::BASE64.encode(bytes);
    let head =
        "From a Fri Jul  8 12:08:34 2011\nFrom: a@example\nTo: b@example\nSubject: c\nMIME-Version: 1.0\n";
    let kind = "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n";
    format!("{head}{kind}\n{text}\n").into_bytes()
}

fn mail(bytes: &[u8]) -> Vec<u8> {
    let head = "From: a@example\nTo: b@example\nSubject: c\nDate: d\nMIME-Version: 1.0\n";
    [head.as_bytes(), b"Content-Type: message/rfc822\n\n", bytes].concat()
}

fn pdf(bytes: &[u8]) -> Vec<u8> {
    let head = format!("%PDF-1.7\n1 0 obj\n<</Type/EmbeddedFile/Length {}>>\nstream\n", bytes.len());
    [head.as_bytes(), bytes, b"\nendstream\nendobj\n"].concat()
}

fn warc(bytes: &[u8]) -> Vec<u8> {
    let head =
        "WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: file:///a\r\nWARC-Record-ID: <urn:uuid:1>\r\n";
    let head = format!("{head}WARC-Date: 2020-01-01T00:00:00Z\r\nContent-Length: {}\r\n\r\n", bytes.len());
    gzip(&[head.as_bytes(), bytes, b"\r\n\r\n"].concat())
}

fn rar(bytes: &[u8], version: rars::ArchiveVersion) -> Vec<u8> {
    let mut builder = rars::Builder::new(version).solid(true);
    builder.add_bytes(b"name".to_vec(), bytes.to_vec(), None, None).unwrap();
    builder.to_bytes().unwrap()
}

fn old_rar(bytes: &[u8]) -> Vec<u8> {
    rar(bytes, rars::ArchiveVersion::Rar30)
}

fn new_rar(bytes: &[u8]) -> Vec<u8> {
    rar(bytes, rars::ArchiveVersion::Rar50)
}

type Wrap = fn(&[u8]) -> Vec<u8>;

fn depth(name: &str, wrap: &[Wrap], count: usize) -> (u32, Option<ContainerError>) {
    let mut bytes = b"innermost".to_vec();
    for wrap in wrap.iter().cycle().take(count) {
        bytes = wrap(&bytes);
    }
    let dive = move || {
        let limits = Limits { nesting: u32::MAX, ratio: u64::MAX, ..Limits::default() };
        let meter = Meter::new(limits, bytes.len() as u64);
        let container = Container::sniff(&bytes[..bytes.len().min(Container::SNIFF_LEN)]).unwrap();
        match container.access() {
            Access::Stream => dive(container, Input::Stream(&mut &bytes[..]), &meter),
            Access::Random => {
                let len = bytes.len() as u64;
                dive(container, Input::Random(&mut Cursor::new(&bytes), len), &meter)
            }
            Access::Whole => dive(container, Input::Whole(&bytes), &meter),
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(dive);
    thread.unwrap().join().unwrap()
}

/// No kind of container takes the stack of a thread, also where nothing is optimized.
#[test]
fn the_deepest_nesting_fits_a_stack_of_2_mib() {
    let kinds: [(&str, &[Wrap]); 15] = [
        ("gzip", &[gzip]),
        ("gzip with a long header", &[long_gzip]),
        ("bzip2", &[bzip2]),
        ("xz", &[xz]),
        ("zstd", &[zstd]),
        ("zip", &[zip]),
        ("rar 3", &[old_rar]),
        ("rar 5", &[new_rar]),
        ("tar", &[tar]),
        ("tar.gz", &[tar, gzip]),
        ("mbox", &[mbox]),
        ("mail", &[mail, zip]),
        ("pdf", &[pdf]),
        ("warc", &[warc]),
        ("all", &[gzip, zip, tar, zstd, pdf, xz, bzip2]),
    ];
    for (name, wrap) in kinds {
        if name.starts_with("rar") && !cfg!(feature = "rar") {
            continue;
        }
        let most = Limits::MOST_NESTING;
        // Mailboxes and messages in messages are two levels, and the former get longer by a third with each.
        let (count, expected) = match name {
            "mbox" => (most / 2, most),
            "mail" => (most / 3 * 2, most / 3 * 3),
            _ => (most, most),
        };
        let (depth, error) = depth(name, wrap, count as usize);
        println!("{name}: {depth}, {error:?}");
        assert!(depth == expected && error.is_none(), "{name}: {depth}, {error:?}");
    }
}

#[test]
fn what_lies_deeper_is_told_of_whatever_the_limits_say() {
    // Stored: what is packed again and again gets longer and longer.
    let stored: Wrap = |bytes| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        std::io::Write::write_all(&mut out, bytes).unwrap();
        out.finish().unwrap()
    };
    let (depth, error) = depth("gzip", &[stored], 400);
    assert_eq!(depth, Limits::MOST_NESTING + 1);
    let Some(ContainerError::Exceeded(exceeded @ Exceeded::Nesting(64))) = error else { panic!("{error:?}") };
    assert_eq!(exceeded.to_string(), "lies more than 64 containers deep, which is the most there can be");
    assert!(Exceeded::Nesting(16).to_string().ends_with("; raise that with --max-nesting"));
}
