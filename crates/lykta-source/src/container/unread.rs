//! Containers that are recognised and not read: what is inside them is told to be unexamined, not passed over in silence.

/// What begins where, and what it is then.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    #[cfg(not(feature = "rar"))]
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"MSCF\0\0\0\0", "CAB"),
    (0, b"\x04\x22\x4d\x18", "LZ4"),
    (0, b"\x02\x21\x4c\x18", "LZ4"),
    (0, b"\x1f\x9d", "compress"),
    (0, b"LZIP\x01", "lzip"),
    (0, b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (0, b"070701", "cpio"),
    (0, b"070702", "cpio"),
    (0, b"070707", "cpio"),
    (0, b"xar!\0", "xar"),
    (2, b"-lh5-", "LHA"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"),
    (0, b"!BDN", "PST"),
    (0, b"EVF\x09\r\n\xff\0", "EWF"),
    (0, b"EVF2\r\n\x81\0", "EWF"),
    (0, b"QFI\xfb", "QCOW"),
    (0, b"KDMV", "VMDK"),
    (0, b"vhdxfile", "VHDX"),
    (0, b"conectix", "VHD"),
];

/// Where a CD or DVD says that it is one.
const ISO_9660: (usize, &[u8]) = (0x8001, b"CD001");

/// The name of a container that is known and not read.
pub(super) fn sniff(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    if at(ISO_9660.0, ISO_9660.1) {
        return Some("ISO 9660");
    }
    SIGNATURES.iter().find(|(offset, bytes, _)| at(*offset, bytes)).map(|(_, _, name)| *name)
}

/// The names of all of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&str> = SIGNATURES.iter().map(|(_, _, name)| *name).chain(["ISO 9660"]).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

#[cfg(test)]
mod tests {
    use super::super::Container;
    use super::*;

    #[test]
    fn what_is_known_is_told_by_its_first_bytes_alone() {
        assert_eq!(sniff(b"MSCF\0\0\0\0 and more"), Some("CAB"));
        let rar = Container::sniff(b"Rar!\x1a\x07\x01\0 and more").unwrap();
        assert_eq!(rar, if cfg!(feature = "rar") { Container::Rar } else { Container::Unread("RAR") });
        assert_eq!(sniff(b"x\x10-lh5-"), Some("LHA"));
        let mut disc = vec![0; 0x8801];
        disc[0x8001..0x8006].copy_from_slice(b"CD001");
        assert_eq!(sniff(&disc[..Container::SNIFF_LEN]), Some("ISO 9660"));
        for other in [&b"Rar!"[..], b"", b"070701"[..5].as_ref(), b"text about CD001", &[0; 0x9000]] {
            assert_eq!(sniff(other), None);
        }
        assert!(names().is_sorted() && names().count() == 17 - usize::from(cfg!(feature = "rar")));
    }
}
