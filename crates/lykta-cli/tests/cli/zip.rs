//! Pictures in zip archives, where no directory leads to them.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::place::{Place, json_lines};

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The fields that a header and an entry of the directory have in common, and the name.
fn fields(name: &str, packed_len: usize, bytes: &[u8]) -> Vec<u8> {
    let len = |len: usize| (len as u32).to_le_bytes();
    let name_len = (name.len() as u16).to_le_bytes();
    let deflated = [20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0];
    [&deflated[..], &crc(bytes).to_le_bytes(), &len(packed_len), &len(bytes.len()), &name_len, &[0; 2]]
        .concat()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A member as it lies in an archive.
fn member(name: &str, packed: &[u8], bytes: &[u8]) -> Vec<u8> {
    [b"PK\x03\x04", &fields(name, packed.len(), bytes)[..], name.as_bytes(), packed].concat()
}

/// An archive of one text, with `hidden` within the packed bytes of that, between directory and end, and behind the end.
fn archive(hidden: [&[u8]; 3]) -> Vec<u8> {
    let (name, text) = ("text", b"nothing but text");
    let packed = [&deflate(text), hidden[0]].concat();
    let bytes = member(name, &packed, text);
    let at = (bytes.len() as u32).to_le_bytes();
    let fields = fields(name, packed.len(), text);
    let entry = [b"PK\x01\x02\x14\x03", &fields[..], &[0; 14], name.as_bytes()].concat();
    let len = (entry.len() as u32).to_le_bytes();
    let end = [b"PK\x05\x06", &[0; 4][..], &[1, 0, 1, 0], &len, &at, &[0; 2]].concat();
    [&bytes, &entry, hidden[1], &end, hidden[2]].concat()
}

#[test]
fn a_picture_to_which_no_directory_leads_is_found_or_told() {
    let place = Place::with_demo();
    let jpeg = place.read("dump/camera/IMG_0001.jpg");
    let packed = member("hidden.jpg", &deflate(&jpeg), &jpeg);
    let mut told = Vec::new();
    for k in 0..3 {
        let mut hidden: [&[u8]; 3] = [b""; 3];
        hidden[k] = &packed;
        place.write(&format!("found/{k}.zip"), archive(hidden));
        hidden[k] = &jpeg;
        let bytes = archive(hidden);
        let at = bytes.windows(jpeg.len()).position(|window| window == jpeg).unwrap();
        told.push(format!("{} bytes at byte {at} are of no member of it", jpeg.len()));
        place.write(&format!("told/{k}.zip"), bytes);
    }
    place.run("scan --index list.lykta -o found.out found").expect(1);
    let findings = json_lines(&place.text("found.out/findings.jsonl"));
    let found: Vec<_> = findings.iter().map(|line| line["locator"].to_string()).collect();
    assert_eq!(found, [0, 1, 2].map(|k| format!("[\"found/{k}.zip\",\"hidden.jpg\"]")));
    place.run("scan --index list.lykta -o told.out told").expect(3);
    let errors = json_lines(&place.text("told.out/errors.jsonl"));
    assert_eq!(errors.len(), 3, "{errors:?}");
    for (error, told) in errors.iter().zip(&told) {
        assert_eq!(error["reason"], "container is damaged");
        assert!(error["detail"].as_str().unwrap().contains(told), "{error} {told}");
    }
}
