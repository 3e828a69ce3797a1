//! What can be read, how far, and what of it not: one table for the command, the documentation and other programs.

use lykta_list::Format as List;
use lykta_media::Format as Picture;
use lykta_source::container::Container;

/// A format, or a family of formats that are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supported {
    /// Which part of the table it belongs to.
    pub group: FormatGroup,
    /// The name that results and arguments use, where there is one.
    pub name: &'static str,
    /// What is read of it.
    pub read: &'static str,
    /// What of it is not; empty where nothing is known to be missing.
    pub not_read: &'static str,
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormatGroup {
    /// Pictures, which are compared by likeness where they are decoded.
    Picture,
    /// What is looked into.
    Container,
    /// What is compared as a whole, by digest, and not looked into.
    NotLookedInto,
    /// Hash lists.
    List,
}

impl FormatGroup {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Picture, Self::Container, Self::NotLookedInto, Self::List];

    /// A short name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Container => "container",
            Self::NotLookedInto => "not looked into",
            Self::List => "list",
        }
    }

    /// A heading, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Picture => "Pictures",
            Self::Container => "Containers",
            Self::NotLookedInto => "Compared as a whole, not looked into",
            Self::List => "Hash lists",
        }
    }
}

/// Every row of the table, group by group.
pub fn supported() -> Vec<Supported> {
    let pictures = Picture::ALL.into_iter().map(picture);
    let containers = Container::ALL.into_iter().map(container).chain([PREVIEWS]);
    let lists = List::ALL.into_iter().map(|list| Supported {
        group: FormatGroup::List,
        name: list.name(),
        read: list.description(),
        not_read: "",
    });
    pictures.chain(containers).chain(NOT_LOOKED_INTO).chain(lists).collect()
}

fn picture(format: Picture) -> Supported {
    let (read, not_read) = match format {
        Picture::Jpeg => ("decoded: 8 bits, Huffman coding", "arithmetic coding, 12 bits"),
        Picture::Png => ("decoded: the default picture", "further frames of an APNG"),
        Picture::Gif => ("decoded: the first frame", "further frames"),
        Picture::WebP => ("decoded: the first frame", "further frames"),
        Picture::Tiff => ("decoded: the first picture", "palettes, YCbCr, Lab, fax; further pictures"),
        Picture::Ico => ("decoded: the largest picture", "the others"),
        Picture::Heic => {
            ("decoded: 4:2:0 and grey, 8 and 10 bits, one picture or a grid", "4:2:2, 4:4:4, sequences")
        }
        format if format.is_decoded() => ("decoded", ""),
        _ => ("recognised", "not decoded: compared by digest, and told as failed"),
    };
    Supported { group: FormatGroup::Picture, name: format.name(), read, not_read }
}

fn container(container: Container) -> Supported {
    let (read, not_read) = match container {
        Container::Gzip => ("all members behind one another", ""),
        Container::Bzip2 => ("all streams behind one another", ""),
        Container::Xz => ("all streams behind one another", "bare .lzma"),
        Container::Zstd => ("all frames", "windows over 128 MiB, dictionaries"),
        Container::Tar => {
            ("ustar, GNU, pax, old; sparse files", "holes count against --max-ratio; further volumes")
        }
        Container::Warc => ("responses, resources; chunked and coded bodies", "segments are not joined"),
        Container::Arc => ("responses; chunked and coded bodies", ""),
        Container::Zip => {
            ("also docx, xlsx, odt, epub, apk and such; also without its directory", "encrypted members")
        }
        Container::SevenZ => (
            "solid and not: copy, LZMA, LZMA2, PPMd, bzip2, deflate, BCJ, delta",
            "zstd, brotli, lz4; encrypted members; nothing of one that was cut short",
        ),
        Container::Rar => (
            "1.5 to 7, solid and not, all methods",
            "encrypted members; members that go on in other volumes; packed ones over --container-memory",
        ),
        Container::Mail => {
            ("parts of MIME, messages in messages, uuencode, MHTML", "TNEF, yEnc; encrypted mail")
        }
        Container::Mbox => ("messages, and what is in them", ""),
        Container::Pdf => (
            "pictures and embedded files of every revision",
            "CCITT, JBIG2, inline pictures; encrypted documents; colour spaces are partly guessed",
        ),
        _ => ("", ""),
    };
    Supported { group: FormatGroup::Container, name: container.name(), read, not_read }
}

const PREVIEWS: Supported = Supported {
    group: FormatGroup::Container,
    name: "picture",
    read: "JPEG thumbnails and previews: EXIF, MPF, Photoshop, TIFF and raw files like it; JPEG behind a JPEG",
    not_read: "other than JPEG; those of CR3 and HEIF, and in maker notes",
};

const ARCHIVES: &str = "cpio, cab, lz4, .Z, bare .lzma";
const ARCHIVES_AND_RAR: &str = "rar, cpio, cab, lz4, .Z, bare .lzma";

const NOT_LOOKED_INTO: [Supported; 7] = [
    not_looked_into(if cfg!(feature = "rar") { ARCHIVES } else { ARCHIVES_AND_RAR }),
    not_looked_into("disk images, virtual disks, EWF, AFF4; ISO 9660"),
    not_looked_into("PST, OST, msg; OLE: doc, xls, ppt, Thumbs.db"),
    not_looked_into("programs that extract themselves"),
    not_looked_into("videos and sound"),
    not_looked_into("SVG, TGA, JPEG XR"),
    not_looked_into("deleted files and space that no file uses"),
];

const fn not_looked_into(name: &'static str) -> Supported {
    Supported { group: FormatGroup::NotLookedInto, name, read: "", not_read: "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_of_every_crate_has_a_row() {
        let table = supported();
        let count = |group| table.iter().filter(|row| row.group == group).count();
        assert_eq!(count(FormatGroup::Picture), Picture::ALL.len());
        assert_eq!(count(FormatGroup::Container), Container::ALL.len() + 1);
        assert_eq!(count(FormatGroup::List), List::ALL.len());
        for row in &table {
            let is_told = row.group == FormatGroup::NotLookedInto || !row.read.is_empty();
            assert!(is_told, "{}: what is read of it?", row.name);
        }
        // What is recognised alone is never told as decoded.
        for format in Picture::ALL {
            assert_eq!(picture(format).read.starts_with("decoded"), format.is_decoded(), "{format}");
        }
    }
}
