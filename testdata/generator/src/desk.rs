//! The desk dump: listed pictures in every kind of container that is read, nested up to three deep, and copies of them
//! that were encoded anew, each with the place where it has to be found.
//!
//! Deterministic: the same bytes whenever and wherever it is made, but for names that only Unix can have.

mod archives;
mod crawls;
mod documents;
mod mail;
mod pictures;

use std::fs;
use std::path::Path;

use anyhow::Context;
use image::RgbImage;
use image::imageops::{self, FilterType};
use lykta::hash::{Kind, KindSet};
use lykta::media::{Digester, Limits, decode, pdq};

use crate::landscape::landscape;
use archives::{SevenZ, Tar, Zip};
use pictures::jpeg;

/// A dump, and what has to be found in it.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The files of the dump.
    pub files: Vec<DeskFile>,
    /// What has to be found, in the order in which it was put there.
    pub planted: Vec<Planted>,
}

/// A file of the dump.
#[derive(Clone, Debug)]
pub struct DeskFile {
    /// Where in the dump: bytes, with `/` between folders.
    pub path: Vec<u8>,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A picture that was put somewhere.
#[derive(Clone, Debug)]
pub struct Planted {
    /// The entry of the list that has to be named: several copies may have the same.
    pub entry: String,
    /// What it lies in, for people.
    pub container: &'static str,
    /// The path in the dump, then the steps into it.
    pub locator: Vec<Vec<u8>>,
    /// Its bytes, as they have to come out again.
    pub bytes: Vec<u8>,
    /// Whether the list has these bytes; otherwise it is a copy that was encoded anew.
    pub is_exact: bool,
}

/// Width and height of the pictures.
const SIDES: (u32, u32) = (256, 192);

/// Seeds from here on are pictures of the list, and from the other on such as nobody listed.
const LISTED: u32 = 1000;
const UNLISTED: u32 = 5000;

/// Makes the dump. Takes some seconds where this crate is not optimised.
///
/// # Errors
/// When a picture cannot be encoded or an archive not be written.
pub fn desk() -> anyhow::Result<Desk> {
    let mut maker = Maker::default();
    maker.plain_files()?;
    maker.zips()?;
    maker.sevenz()?;
    maker.tars()?;
    maker.compressed_files()?;
    maker.crawls()?;
    maker.mails()?;
    maker.documents()?;
    maker.pictures_in_pictures()?;
    maker.nested()?;
    maker.awkward_names()?;
    maker.damaged()?;
    let Maker { files, planted, .. } = maker;
    Ok(Desk { files, planted })
}

impl Desk {
    /// Writes the files below `folder`.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        for DeskFile { path, bytes } in &self.files {
            let path = folder.join(os_path(path)?);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent)
                .and_then(|()| fs::write(&path, bytes))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// The list: digests and PDQ of the planted pictures, not of the copies.
    ///
    /// # Errors
    /// When a picture cannot be decoded.
    pub fn list(&self) -> anyhow::Result<Vec<u8>> {
        list(self.planted.iter().filter(|planted| planted.is_exact).map(|planted| {
            let Planted { entry, bytes, .. } = planted;
            (entry.as_str(), bytes.as_slice())
        }))
    }
}

/// A list of pictures that are nowhere in the dump.
///
/// # Errors
/// When a picture cannot be encoded or decoded.
pub fn list_of_others() -> anyhow::Result<Vec<u8>> {
    let others = (0..8).map(|number| jpeg(&landscape(UNLISTED + 500 + number, SIDES.0, SIDES.1), 85));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    list(others.iter().map(|bytes| ("elsewhere", bytes.as_slice())))
}

fn list<'p>(pictures: impl Iterator<Item = (&'p str, &'p [u8])>) -> anyhow::Result<Vec<u8>> {
    let mut list = csv::Writer::from_writer(Vec::new());
    list.write_record(["id", "sha1", "sha256", "pdq", "pdq_quality"])?;
    let kinds: KindSet = [Kind::Sha1, Kind::Sha256].into_iter().collect();
    for (entry, bytes) in pictures {
        let mut digester = Digester::new(kinds);
        digester.update(bytes);
        let digests = digester.finish();
        let digest = |kind| digests.get(kind).map(|digest| digest.to_string()).unwrap_or_default();
        let hash = pdq::hash(&decode(bytes, &Limits::default())?, pdq::Mode::Full);
        let (sha1, sha256) = (digest(Kind::Sha1), digest(Kind::Sha256));
        list.write_record([entry, &sha1, &sha256, &hash.pdq.to_string(), &hash.quality.to_string()])?;
    }
    Ok(list.into_inner()?)
}

#[cfg(unix)]
fn os_path(path: &[u8]) -> anyhow::Result<&Path> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(std::ffi::OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
fn os_path(path: &[u8]) -> anyhow::Result<&Path> {
    Ok(Path::new(str::from_utf8(path)?))
}

/// Steps of a locator, to be written where they are used.
fn steps<const N: usize>(steps: [&[u8]; N]) -> Vec<Vec<u8>> {
    steps.map(<[u8]>::to_vec).into()
}

#[derive(Default)]
struct Maker {
    files: Vec<DeskFile>,
    planted: Vec<Planted>,
    listed: u32,
    unlisted: u32,
    /// The last listed picture.
    last: Option<RgbImage>,
}

impl Maker {
    fn put(&mut self, path: impl AsRef<[u8]>, bytes: Vec<u8>) {
        self.files.push(DeskFile { path: path.as_ref().to_vec(), bytes });
    }

    /// A new picture of the list, which has to be found at that place.
    fn listed<const N: usize>(
        &mut self,
        container: &'static str,
        locator: [&[u8]; N],
    ) -> anyhow::Result<Vec<u8>> {
        self.listed += 1;
        let picture = landscape(LISTED + self.listed, SIDES.0, SIDES.1);
        let entry = format!("desk-{:02}", self.listed);
        let bytes = jpeg(&picture, 85)?;
        self.last = Some(picture);
        self.planted.push(Planted {
            entry,
            container,
            locator: steps(locator),
            bytes: bytes.clone(),
            is_exact: true,
        });
        Ok(bytes)
    }

    /// The last picture of the list, smaller and encoded anew.
    fn copy<const N: usize>(
        &mut self,
        container: &'static str,
        locator: [&[u8]; N],
    ) -> anyhow::Result<Vec<u8>> {
        let picture = self.last.as_ref().context("a copy of a picture that was not made")?;
        let (width, height) = (SIDES.0 * 7 / 8, SIDES.1 * 7 / 8);
        let bytes = jpeg(&imageops::resize(picture, width, height, FilterType::Triangle), 75)?;
        let entry = format!("desk-{:02}", self.listed);
        self.planted.push(Planted {
            entry,
            container,
            locator: steps(locator),
            bytes: bytes.clone(),
            is_exact: false,
        });
        Ok(bytes)
    }

    /// A picture of no list.
    fn unlisted(&mut self) -> anyhow::Result<Vec<u8>> {
        self.unlisted += 1;
        jpeg(&landscape(UNLISTED + self.unlisted, SIDES.0, SIDES.1), 85)
    }

    fn plain_files(&mut self) -> anyhow::Result<()> {
        let picture = self.listed("file", [b"plain/photo.jpg"])?;
        self.put("plain/photo.jpg", picture);
        let copy = self.copy("file", [b"plain/sent.jpg"])?;
        self.put("plain/sent.jpg", copy);
        let picture = self.listed("file with another ending", [b"plain/photo.dat"])?;
        self.put("plain/photo.dat", picture);
        let copy = self.copy("file with another ending", [b"plain/sent.boo"])?;
        self.put("plain/sent.boo", copy);
        let unlisted = self.unlisted()?;
        self.put("plain/other.jpg", unlisted);
        self.put("plain/letter.txt", b"Dear all,\nnothing is attached.\n".to_vec());
        self.put("plain/empty", Vec::new());
        Ok(())
    }

    /// An archive with a listed picture, a copy and something else.
    fn zip(
        &mut self,
        container: &'static str,
        path: &str,
        name: &str,
        copy_name: &str,
        is_stored: bool,
        first: &[(&str, &[u8])],
    ) -> anyhow::Result<()> {
        let picture = self.listed(container, [path.as_bytes(), name.as_bytes()])?;
        let copy = self.copy(container, [path.as_bytes(), copy_name.as_bytes()])?;
        let mut zip = Zip::default();
        for (name, bytes) in first {
            zip.deflated(name.as_bytes(), bytes)?;
        }
        if is_stored {
            zip.stored(name.as_bytes(), &picture);
            zip.stored(copy_name.as_bytes(), &copy);
        } else {
            zip.deflated(name.as_bytes(), &picture)?;
            zip.deflated(copy_name.as_bytes(), &copy)?;
        }
        self.put(path, zip.finish());
        Ok(())
    }

    fn zips(&mut self) -> anyhow::Result<()> {
        let other = self.unlisted()?;
        let readme: (&str, &[u8]) = ("readme.txt", b"pictures of last year\n");
        let types: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");
        let epub: (&str, &[u8]) = ("mimetype", b"application/epub+zip");
        let odt: (&str, &[u8]) = ("mimetype", b"application/vnd.oasis.opendocument.text");
        let other = ("other.jpg", other.as_slice());
        self.zip("zip, stored", "archives/stored.zip", "a/photo.jpg", "a/sent.jpg", true, &[readme])?;
        self.zip(
            "zip, deflate",
            "archives/deflated.zip",
            "photo.jpg",
            "b/../../sent.jpg",
            false,
            &[readme, other],
        )?;
        let [one, two] = ["word/media/image1.jpeg", "word/media/image2.jpeg"];
        self.zip("docx", "office/letter.docx", one, two, false, &[types, ("word/document.xml", b"<w/>")])?;
        let [one, two] = ["xl/media/image1.jpeg", "xl/media/image2.jpeg"];
        self.zip("xlsx", "office/table.xlsx", one, two, false, &[types])?;
        self.zip("odt", "office/text.odt", "Pictures/1.jpg", "Pictures/2.jpg", false, &[odt])?;
        let manifest: (&str, &[u8]) = ("AndroidManifest.xml", b"\x03\0\x08\0");
        self.zip("apk", "phone/base.apk", "res/drawable/a.jpg", "res/drawable/b.jpg", true, &[manifest])?;
        self.zip("epub", "books/book.epub", "OEBPS/cover.jpg", "OEBPS/back.jpg", true, &[epub])
    }

    fn sevenz(&mut self) -> anyhow::Result<()> {
        for (container, path, is_solid) in
            [("7z, solid", "archives/solid.7z", true), ("7z", "archives/single.7z", false)]
        {
            let other = self.unlisted()?;
            let picture = self.listed(container, [path.as_bytes(), b"a/photo.jpg"])?;
            let copy = self.copy(container, [path.as_bytes(), "å/sent.jpg".as_bytes()])?;
            let files: SevenZ<'_> =
                &[("other.jpg", &other), ("a/photo.jpg", &picture), ("å/sent.jpg", &copy)];
            self.put(path, archives::sevenz(files, is_solid)?);
        }
        Ok(())
    }

    fn tars(&mut self) -> anyhow::Result<()> {
        type Pack = fn(&[u8]) -> anyhow::Result<Vec<u8>>;
        let packed: [(&'static str, &str, Pack); 4] = [
            ("tar, gzip", "archives/home.tar.gz", archives::gzip),
            ("tar, xz", "archives/home.tar.xz", archives::xz),
            ("tar, bzip2", "archives/home.tar.bz2", archives::bzip2),
            ("tar, zstd", "archives/home.tar.zst", archives::zstd),
        ];
        let path = "archives/home.tar".as_bytes();
        let mut tar = Tar::default();
        tar.file(b"other.jpg", &self.unlisted()?);
        tar.file(b"home/photo.jpg", &self.listed("tar", [path, b"home/photo.jpg"])?);
        // Longer than a header has room for.
        let long = [b"home/".as_slice(), &b"folder/".repeat(40), b"sent.jpg"].concat();
        tar.file(&long, &self.copy("tar", [path, &long])?);
        self.put(path, tar.finish());
        for (container, path, pack) in packed {
            let steps = [path.as_bytes(), b"home.tar"];
            let mut tar = Tar::default();
            tar.file(b"photo.jpg", &self.listed(container, [steps[0], steps[1], b"photo.jpg"])?);
            tar.file(b"sent.jpg", &self.copy(container, [steps[0], steps[1], b"sent.jpg"])?);
            self.put(path, pack(&tar.finish())?);
        }
        // Each of them is there, and only where it lies tells them apart.
        let path = "archives/again.tar".as_bytes();
        let mut tar = Tar::default();
        for _ in 0..3 {
            let picture = self.listed("tar, the same name again", [path, b"photo.jpg"])?;
            tar.file(b"photo.jpg", &picture);
        }
        self.put(path, tar.finish());
        Ok(())
    }

    fn compressed_files(&mut self) -> anyhow::Result<()> {
        type Pack = fn(&[u8]) -> anyhow::Result<Vec<u8>>;
        let packed: [(&'static str, &str, Pack); 4] = [
            ("gzip", "gz", archives::gzip),
            ("xz", "xz", archives::xz),
            ("bzip2", "bz2", archives::bzip2),
            ("zstd", "zst", archives::zstd),
        ];
        for (container, ending, pack) in packed {
            let [path, copy_path] =
                [format!("packed/photo.jpg.{ending}"), format!("packed/sent.jpg.{ending}")];
            let picture = self.listed(container, [path.as_bytes(), b"photo.jpg"])?;
            self.put(path, pack(&picture)?);
            let copy = self.copy(container, [copy_path.as_bytes(), b"sent.jpg"])?;
            self.put(copy_path, pack(&copy)?);
        }
        let picture = self.listed("gzip, two members", [b"packed/two.jpg.gz", b"two.jpg"])?;
        let (first, second) = picture.split_at(picture.len() / 2);
        self.put("packed/two.jpg.gz", [archives::gzip(first)?, archives::gzip(second)?].concat());
        Ok(())
    }

    fn crawls(&mut self) -> anyhow::Result<()> {
        let uri = |name: &str| format!("http://example.org/{name}");
        let [one, two, three] = ["photo.jpg", "sent.jpg", "coded.jpg"].map(uri);
        for (container, path, is_packed) in
            [("warc", "crawls/a.warc", false), ("warc, gzip", "crawls/a.warc.gz", true)]
        {
            let mut warc = crawls::Warc::new(is_packed)?;
            warc.response(&uri("other.jpg"), "", &self.unlisted()?)?;
            warc.response(&one, "", &self.listed(container, [path.as_bytes(), one.as_bytes()])?)?;
            warc.response(&two, "", &self.copy(container, [path.as_bytes(), two.as_bytes()])?)?;
            self.put(path, warc.finish());
        }
        let (container, path) = ("warc, chunked and gzip", "crawls/coded.warc");
        let mut warc = crawls::Warc::new(false)?;
        for (uri, body) in [
            (&three, self.listed(container, [path.as_bytes(), three.as_bytes()])?),
            (&two, self.copy(container, [path.as_bytes(), two.as_bytes()])?),
        ] {
            let coded = crawls::chunked(&archives::gzip(&body)?);
            warc.response(uri, "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", &coded)?;
        }
        self.put(path, warc.finish());
        let (container, path) = ("arc", "crawls/old.arc");
        let pictures = [
            (one.as_str(), self.listed(container, [path.as_bytes(), one.as_bytes()])?),
            (two.as_str(), self.copy(container, [path.as_bytes(), two.as_bytes()])?),
        ];
        self.put(path, crawls::arc(&pictures));
        Ok(())
    }

    fn mails(&mut self) -> anyhow::Result<()> {
        let path = "mail/letter.eml";
        let steps = path.as_bytes();
        let attached = [
            ("photo.jpg", self.listed("mail", [steps, b"photo.jpg"])?),
            ("sent.jpg", self.copy("mail", [steps, b"sent.jpg"])?),
        ];
        self.put(path, mail::message("letter", &attached, None));
        let path = "mail/forwarded.eml";
        let [a, b, c]: [&[u8]; 3] = [path.as_bytes(), b"part 2.rfc822", b"part 2.rfc822"];
        let attached = [
            ("photo.jpg", self.listed("mail in mail", [a, b, c, b"photo.jpg"])?),
            ("sent.jpg", self.copy("mail in mail", [a, b, c, b"sent.jpg"])?),
        ];
        let inner = mail::message("inner", &attached, None);
        let middle = mail::message("middle", &[], Some(&inner));
        self.put(path, mail::message("outer", &[], Some(&middle)));
        let path = "mail/inbox.mbox";
        let steps = path.as_bytes();
        let messages = [
            mail::message("first", &[("other.jpg", self.unlisted()?)], None),
            mail::message(
                "second",
                &[("photo.jpg", self.listed("mbox", [steps, b"message 2", b"photo.jpg"])?)],
                None,
            ),
            mail::message(
                "third",
                &[("sent.jpg", self.copy("mbox", [steps, b"message 3", b"sent.jpg"])?)],
                None,
            ),
        ];
        self.put(path, mail::mbox(&messages));
        Ok(())
    }

    fn documents(&mut self) -> anyhow::Result<()> {
        let path = "office/paper.pdf";
        let steps = path.as_bytes();
        let mut pdf = documents::Pdf::new();
        pdf.picture(10, &self.listed("pdf, picture", [steps, b"object 10 image.jpg"])?);
        pdf.picture(11, &self.copy("pdf, picture", [steps, b"object 11 image.jpg"])?);
        pdf.file(20, "photo.jpg", &self.listed("pdf, embedded file", [steps, b"photo.jpg"])?)?;
        pdf.file(30, "sent.jpg", &self.copy("pdf, embedded file", [steps, b"sent.jpg"])?)?;
        self.put(path, pdf.finish());
        Ok(())
    }

    fn pictures_in_pictures(&mut self) -> anyhow::Result<()> {
        for (path, is_copy) in [("camera/IMG_1.jpg", false), ("camera/IMG_2.jpg", true)] {
            let steps = [path.as_bytes(), b"exif thumbnail"];
            let thumbnail = match is_copy {
                false => self.listed("exif thumbnail", steps)?,
                true => self.copy("exif thumbnail", steps)?,
            };
            let picture = pictures::with_thumbnail(&self.unlisted()?, &thumbnail)?;
            self.put(path, picture);
        }
        for (path, is_copy) in [("camera/IMG_3.jpg", false), ("camera/IMG_4.jpg", true)] {
            let steps = [path.as_bytes(), b"mpf picture"];
            let second = match is_copy {
                false => self.listed("mpf", steps)?,
                true => self.copy("mpf", steps)?,
            };
            let picture = pictures::with_second(&self.unlisted()?, &second)?;
            self.put(path, picture);
        }
        for (path, is_copy) in [("camera/IMG_5.tif", false), ("camera/IMG_6.tif", true)] {
            let steps = [path.as_bytes(), b"preview"];
            let preview = match is_copy {
                false => self.listed("tiff preview", steps)?,
                true => self.copy("tiff preview", steps)?,
            };
            self.put(path, pictures::tiff_with_preview(&preview)?);
        }
        Ok(())
    }

    fn nested(&mut self) -> anyhow::Result<()> {
        let path = "nested/one.zip";
        let steps = [path.as_bytes(), b"two.zip", b"three.zip"];
        let container = "zip in zip in zip";
        let mut three = Zip::default();
        three
            .deflated(b"photo.jpg", &self.listed(container, [steps[0], steps[1], steps[2], b"photo.jpg"])?)?;
        three.stored(b"sent.jpg", &self.copy(container, [steps[0], steps[1], steps[2], b"sent.jpg"])?);
        let mut two = Zip::default();
        two.deflated(b"three.zip", &three.finish())?;
        let mut one = Zip::default();
        one.stored(b"two.zip", &two.finish());
        self.put(path, one.finish());

        let path = "nested/office.7z";
        let steps = [path.as_bytes(), b"letter.docx"];
        let container = "docx in 7z";
        let mut docx = Zip::default();
        docx.deflated(b"[Content_Types].xml", b"<Types/>")?;
        docx.deflated(
            b"word/media/image1.jpeg",
            &self.listed(container, [steps[0], steps[1], b"word/media/image1.jpeg"])?,
        )?;
        docx.deflated(
            b"word/media/image2.jpeg",
            &self.copy(container, [steps[0], steps[1], b"word/media/image2.jpeg"])?,
        )?;
        self.put(path, archives::sevenz(&[("letter.docx", &docx.finish())], true)?);

        let path = "nested/mail.tar.zst";
        let steps: [&[u8]; 5] = [path.as_bytes(), b"mail.tar", b"inbox.mbox", b"message 1", b"pictures.zip"];
        let [a, b, c, d, e] = steps;
        let container = "zip in mbox in tar, zstd";
        let mut zip = Zip::default();
        zip.deflated(b"photo.jpg", &self.listed(container, [a, b, c, d, e, b"photo.jpg"])?)?;
        zip.deflated(b"sent.jpg", &self.copy(container, [a, b, c, d, e, b"sent.jpg"])?)?;
        let message = mail::message("pictures", &[("pictures.zip", zip.finish())], None);
        let mut tar = Tar::default();
        tar.file(b"inbox.mbox", &mail::mbox(&[message]));
        self.put(path, archives::zstd(&tar.finish())?);

        // A picture in a picture in an archive.
        let path = "nested/camera.zip";
        let thumbnail =
            self.listed("exif thumbnail in zip", [path.as_bytes(), b"DCIM/IMG_9.jpg", b"exif thumbnail"])?;
        let mut zip = Zip::default();
        zip.deflated(b"DCIM/IMG_9.jpg", &pictures::with_thumbnail(&self.unlisted()?, &thumbnail)?)?;
        self.put(path, zip.finish());
        Ok(())
    }

    fn awkward_names(&mut self) -> anyhow::Result<()> {
        const NAMES: [&[u8]; 3] = [b"\xff\xfe.jpg", b"a\nb\\.jpg", "\u{202e}gpj.exe".as_bytes()];
        if cfg!(target_os = "linux") {
            for (name, container) in NAMES.into_iter().zip([
                "file whose name is not UTF-8",
                "file with a line end in its name",
                "file whose name is written right to left",
            ]) {
                let path = [b"names/", name].concat();
                let picture = self.listed(container, [&path])?;
                self.put(path, picture);
            }
        }
        let path = "names/names.zip".as_bytes();
        let mut zip = Zip::default();
        for name in NAMES {
            zip.deflated(name, &self.listed("zip with awkward names", [path, name])?)?;
        }
        self.put(path, zip.finish());
        let path = "names/names.tar".as_bytes();
        let mut tar = Tar::default();
        for name in NAMES {
            tar.file(name, &self.listed("tar with awkward names", [path, name])?);
        }
        self.put(path, tar.finish());
        Ok(())
    }

    fn damaged(&mut self) -> anyhow::Result<()> {
        let (path, container) = ("damaged/cut.zip", "zip without its directory");
        let mut zip = Zip::default();
        zip.deflated(b"photo.jpg", &self.listed(container, [path.as_bytes(), b"photo.jpg"])?)?;
        zip.deflated(b"sent.jpg", &self.copy(container, [path.as_bytes(), b"sent.jpg"])?)?;
        zip.deflated(b"other.jpg", &self.unlisted()?)?;
        self.put(path, zip.without_directory());

        let (path, container) = ("damaged/cut.tar.gz", "tar, gzip, cut short behind it");
        let mut tar = Tar::default();
        tar.file(b"photo.jpg", &self.listed(container, [path.as_bytes(), b"cut.tar", b"photo.jpg"])?);
        tar.file(b"sent.jpg", &self.copy(container, [path.as_bytes(), b"cut.tar", b"sent.jpg"])?);
        tar.file(b"other.jpg", &self.unlisted()?);
        let mut bytes = archives::gzip(&tar.finish())?;
        bytes.truncate(bytes.len() - 4000);
        self.put(path, bytes);

        let (path, container) = ("damaged/spoiled.zip", "zip with damage behind it");
        let mut zip = Zip::default();
        zip.deflated(b"photo.jpg", &self.listed(container, [path.as_bytes(), b"photo.jpg"])?)?;
        let at = zip.len();
        zip.deflated(b"other.jpg", &self.unlisted()?)?;
        let mut bytes = zip.finish();
        // Within the data of the other.
        bytes[at + 2000..at + 2100].fill(0xa5);
        self.put(path, bytes);
        Ok(())
    }
}
