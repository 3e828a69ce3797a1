//! PDF: the pictures and the embedded files, of every revision.
//!
//! ```text
//! "N G obj" << dict >> stream ... endstream  --image--> JPEG and JPEG 2000 as they are, pixels as PNM --> each
//!                                            --file---> decoded                                       --> each
//! ```
//!
//! Objects are found by their keyword, front to back, and not by the table at the end: what an older revision had, what
//! nothing refers to any more, and what a damaged table has lost is found too. A first pass notes where every object
//! is, for the few values that streams refer to. Takes O(n) time, and 512 KiB of memory besides 16 bytes for each of up
//! to a million objects.

mod filter;
mod object;
mod raster;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, BufReader, Cursor, Read, SeekFrom};
use std::ops::ControlFlow;

use super::inflate::{Inflate, Wrapping};
use super::{
    Container, ContainerError, Content, Exceeded, Input, Limits, Member, MemberSkip, Meter, ReadSeek, hold,
};
use filter::{Ascii85, Hex, Lzw, Predictor, RunLength, Stepped};
use object::{Dict, Parser, Value};
use raster::{Colors, MOST_ROW, Raster};

/// Bytes in which a file has to say that it is one: readers are that lenient.
const SNIFF: usize = 1024;
/// Bytes of the dictionary of an object.
const MOST_DICT: usize = 64 << 10;
/// Bytes read of an object that another refers to.
const REFERRED: usize = 4 << 10;
const WINDOW: usize = 256 << 10;
/// Objects noted, and names of files.
const MOST_OBJECTS: usize = 1 << 20;
/// Filters of one stream.
const MOST_FILTERS: usize = 8;
/// Bytes of dictionaries that were none, after which what they were read as is passed over.
const MOST_WASTED: u64 = 4 << 20;

/// A header at the beginning, or behind some text: behind other bytes it may be a comment in a picture.
pub(super) fn sniff(head: &[u8]) -> Option<Container> {
    let at = memchr::memmem::find(&head[..head.len().min(SNIFF)], b"%PDF-")?;
    let before = head[..at].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head[..at]);
    before.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).then_some(Container::Pdf)
}

pub(super) fn members(
    input: Input<'_>,
    meter: &Meter,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let held;
    let (file, len): (Box<dyn ReadSeek + '_>, u64) = match input {
        Input::Random(file, len) => (Box::new(file), len),
        Input::Whole(bytes) => (Box::new(Cursor::new(bytes)), bytes.len() as u64),
        Input::Stream(stream) => {
            held = hold(stream, meter.limits())?;
            let len = held.len() as u64;
            (Box::new(Cursor::new(held)), len)
        }
    };
    let source = Source { file, len, buffer: Vec::new(), start: 0 };
    let work = Work { limits: *meter.limits(), len, bytes: Cell::new(0) };
    let mut pdf = Pdf { source, work, places: HashMap::new(), names: HashMap::new(), is_encrypted: None };
    let mut objects = Objects::default();
    while let Some(object) = objects.next(&mut pdf.source)? {
        pdf.note(&object);
    }
    let mut objects = Objects::default();
    while let Some(object) = objects.next(&mut pdf.source)? {
        if let (Value::Dict(dict), Some(stream)) = (&object.value, &object.stream)
            && pdf.stream(&object, dict, stream, each)?.is_break()
        {
            break;
        }
    }
    Ok(())
}

/// The bytes of the file, through a window.
struct Source<'i> {
    file: Box<dyn ReadSeek + 'i>,
    len: u64,
    buffer: Vec<u8>,
    /// Where in the file `buffer` begins.
    start: u64,
}

impl Source<'_> {
    /// At least `least` bytes from `at` on, if there are as many.
    fn window(&mut self, at: u64, least: usize) -> Result<&[u8], ContainerError> {
        let end = at.saturating_add(least as u64).min(self.len);
        if at < self.start || end > self.start + self.buffer.len() as u64 {
            let buffer = std::mem::take(&mut self.buffer);
            self.buffer = self.read(at, WINDOW, buffer)?;
            self.start = at;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.buffer.len());
        Ok(&self.buffer[from..])
    }

    /// So many bytes from `at` on.
    fn read(&mut self, at: u64, most: usize, mut bytes: Vec<u8>) -> Result<Vec<u8>, ContainerError> {
        bytes.clear();
        self.file.seek(SeekFrom::Start(at))?;
        (&mut self.file).take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Where `needle` is next.
    fn find(&mut self, needle: &[u8], mut from: u64) -> Result<Option<u64>, ContainerError> {
        loop {
            let bytes = self.window(from, needle.len())?;
            if let Some(at) = memchr::memmem::find(bytes, needle) {
                return Ok(Some(from + at as u64));
            }
            if bytes.len() < needle.len() {
                return Ok(None);
            }
            from += (bytes.len() - needle.len() + 1) as u64;
        }
    }
}

struct Object {
    number: u32,
    /// Where it begins, with its number.
    at: u64,
    /// Where its value begins.
    value_at: u64,
    value: Value,
    stream: Option<Stream>,
}

/// Where the bytes of a stream are.
#[derive(Clone, Copy)]
struct Stream {
    start: u64,
    end: u64,
    /// The end of the file ended it.
    is_cut: bool,
}

/// Goes from object to object.
#[derive(Default)]
struct Objects {
    at: u64,
    wasted: u64,
    /// There is no end of a stream any more.
    is_endless: bool,
}

impl Objects {
    fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Object>, ContainerError> {
        while let Some(keyword) = source.find(b"obj", self.at)? {
            let value_at = keyword + 3;
            self.at = value_at;
            let back = keyword.saturating_sub(32);
            let before = (keyword - back) as usize;
            let Some((number, len)) = number_before(&source.window(back, before)?[..before]) else {
                continue;
            };
            let bytes = source.window(value_at, MOST_DICT)?;
            let mut parser = Parser::new(&bytes[..bytes.len().min(MOST_DICT)]);
            let Some(value) = parser.value() else {
                self.wasted += parser.at as u64;
                if self.wasted > MOST_WASTED {
                    self.at += parser.at as u64;
                }
                continue;
            };
            parser.skip_space();
            let end = parser.at;
            let head = &bytes[end..];
            self.at = value_at + end as u64;
            let stream = if matches!(value, Value::Dict(_)) && head.starts_with(b"stream") {
                let line_end = match &head[6..] {
                    [b'\r', b'\n', ..] => 2,
                    [b'\n' | b'\r', ..] => 1,
                    _ => 0,
                };
                let start = self.at + 6 + line_end;
                self.at = start;
                Some(self.stream(source, start)?)
            } else {
                None
            };
            let at = keyword - len as u64;
            return Ok(Some(Object { number, at, value_at, value, stream }));
        }
        Ok(None)
    }

    /// Not by the length that is stated, which may lie and cover what follows.
    fn stream(&mut self, source: &mut Source<'_>, start: u64) -> Result<Stream, ContainerError> {
        let found = if self.is_endless { None } else { source.find(b"endstream", start)? };
        if let Some(end) = found {
            self.at = end + 9;
            return Ok(Stream { start, end, is_cut: false });
        }
        self.is_endless = true;
        Ok(Stream { start, end: source.len.max(start), is_cut: true })
    }
}

/// The number of the object whose keyword stands behind these bytes, and how many of them are of it.
fn number_before(bytes: &[u8]) -> Option<(u32, usize)> {
    let blank = |bytes: &[u8]| {
        bytes.iter().rev().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count()
    };
    let digits = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = bytes;
    for count in [blank, digits, blank] as [fn(&[u8]) -> usize; 3] {
        let count = count(rest);
        if count == 0 {
            return None;
        }
        rest = &rest[..rest.len() - count];
    }
    let number = &rest[rest.len() - digits(rest)..];
    let len = bytes.len() - rest.len() + number.len();
    Some((str::from_utf8(number).ok()?.parse().ok()?, len))
}

struct Pdf<'i> {
    source: Source<'i>,
    work: Work,
    /// Where the value of each object is, in its last revision.
    places: HashMap<u32, u64>,
    /// Of embedded files.
    names: HashMap<u32, Vec<u8>>,
    /// Whether the file says that it is encrypted; looked for when something looks so.
    is_encrypted: Option<bool>,
}

/// Bytes that decoding takes and that no member gives: a few kilobytes can be terabytes between two filters, of which
/// the last gives nothing. They are bounded for all of a document as what it gives is.
struct Work {
    limits: Limits,
    /// Bytes of the document.
    len: u64,
    bytes: Cell<u64>,
}

impl Work {
    fn add(&self, count: usize) -> Result<(), Exceeded> {
        self.bytes.set(self.bytes.get().saturating_add(count as u64));
        if self.bytes.get() > self.limits.bytes {
            return Err(Exceeded::Bytes(self.limits.bytes));
        }
        if self.limits.is_ratio_over(self.bytes.get(), self.len) {
            return Err(Exceeded::Ratio(self.limits.ratio));
        }
        Ok(())
    }
}

/// The bytes of a stream, counted as work.
struct Worked<'w, R> {
    input: R,
    work: &'w Work,
}

impl<R: Read> Read for Worked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.work.add(count).map_err(ContainerError::from)?;
        Ok(count)
    }
}

/// How a stream is stored.
struct Filters {
    /// Those that are undone here, with what they need to know.
    undone: Vec<(Undo, Dict)>,
    /// What then remains, when it is a format of its own.
    format: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Flate,
    Lzw,
    Hex,
    Ascii85,
    RunLength,
}

impl Pdf<'_> {
    fn note(&mut self, object: &Object) {
        if self.places.len() < MOST_OBJECTS || self.places.contains_key(&object.number) {
            self.places.insert(object.number, object.value_at);
        }
        self.note_names(&object.value);
    }

    /// Names of embedded files, wherever in a value they are given.
    fn note_names(&mut self, value: &Value) {
        match value {
            Value::List(list) => list.iter().for_each(|value| self.note_names(value)),
            Value::Dict(dict) => {
                let name = dict.get(&["UF"]).or_else(|| dict.get(&["F"]));
                if let (Some(Value::Text(name)), Some(Value::Dict(files))) = (name, dict.get(&["EF"]))
                    && let Some(Value::Ref(number)) = files.get(&["UF", "F"])
                    && self.names.len() < MOST_OBJECTS
                {
                    self.names.insert(*number, text(name));
                }
                dict.values().for_each(|value| self.note_names(value));
            }
            _ => {}
        }
    }

    /// The value, or that of the object that it refers to.
    fn resolve(&mut self, value: &Value) -> Result<Value, ContainerError> {
        let mut value = value.clone();
        for _ in 0..4 {
            let Value::Ref(number) = value else { return Ok(value) };
            let Some(at) = self.places.get(&number) else { return Ok(Value::Null) };
            let bytes = self.source.read(*at, REFERRED, Vec::new())?;
            value = Parser::new(&bytes).value().unwrap_or(Value::Null);
        }
        Ok(Value::Null)
    }

    fn get(&mut self, dict: &Dict, keys: &[&str]) -> Result<Value, ContainerError> {
        dict.get(keys).map_or(Ok(Value::Null), |value| self.resolve(value))
    }

    /// Hands over what a stream is, if it is something.
    fn stream(
        &mut self,
        object: &Object,
        dict: &Dict,
        stream: &Stream,
        each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ContainerError> {
        let is_image = dict.is("Subtype", "Image");
        let is_file = dict.is("Type", "EmbeddedFile") || self.names.contains_key(&object.number);
        if !is_image && !is_file {
            return Ok(ControlFlow::Continue(()));
        }
        let stream = self.with_length(dict, *stream)?;
        let number = object.number;
        let (name, content) = match self.filters(dict)? {
            Err(what) => (format!("object {number}").into_bytes(), Err(ContainerError::Unsupported(what))),
            Ok(filters) if is_image => {
                let image = self.image(dict, &filters, stream)?;
                let ending = image.as_ref().map_or("", |image| image.ending);
                (
                    format!("object {number} image{ending}").into_bytes(),
                    image.map(|image| (filters, image.raster)),
                )
            }
            Ok(filters) => {
                let name = self.names.get(&number).cloned();
                (name.unwrap_or_else(|| format!("object {number}").into_bytes()), Ok((filters, None)))
            }
        };
        let hand_over = |content: Content<'_>| {
            each(Member { name, offset: Some(object.at), capture: None, known: None, content })
        };
        let (filters, raster) = match content {
            Ok(content) => content,
            Err(error) => return Ok(hand_over(Content::Failed(error))),
        };
        let head = self.source.read(stream.start, 64.min(stream.len()), Vec::new())?;
        if !filters.is_plausible(&head) && self.is_encrypted()? {
            return Ok(hand_over(Content::Skipped(MemberSkip::Encrypted, stream.end - stream.start)));
        }
        let len = filters.undone.is_empty().then_some(stream.end - stream.start);
        let body = filters.decode(Body { source: &mut self.source, stream }, &self.work);
        Ok(match raster {
            Some(raster) => hand_over(Content::Bytes(&mut Stepped::new(raster.of(body)), None)),
            None => {
                let mut body = body;
                hand_over(Content::Bytes(&mut body, len))
            }
        })
    }

    /// The stream without the line end behind it: which bytes that is, only the length says.
    fn with_length(&mut self, dict: &Dict, mut stream: Stream) -> Result<Stream, ContainerError> {
        if stream.is_cut {
            return Ok(stream);
        }
        let is_file = dict.is("Type", "EmbeddedFile");
        if let Value::Number(len) = self.get(dict, &["Length"])?
            && let Ok(len) = u64::try_from(len)
            && let Some(end) = stream.start.checked_add(len)
        {
            let behind = self.source.read(end, 11, Vec::new())?;
            let is_end = |skip: usize| behind.get(skip..).is_some_and(|rest| rest.starts_with(b"endstream"));
            let is_right = (0..=2).any(|skip| is_end(skip) && behind[..skip].trim_ascii().is_empty());
            // A file may have the end of a stream in it; pictures do not.
            if is_right && (end <= stream.end || is_file) {
                stream.end = end;
                return Ok(stream);
            }
        }
        let tail = stream.end.saturating_sub(2).max(stream.start);
        let tail = self.source.read(tail, (stream.end - tail) as usize, Vec::new())?;
        stream.end -= match &tail[..] {
            [b'\r', b'\n'] => 2,
            [.., b'\r' | b'\n'] => 1,
            _ => 0,
        };
        Ok(stream)
    }

    fn is_encrypted(&mut self) -> Result<bool, ContainerError> {
        if let Some(known) = self.is_encrypted {
            return Ok(known);
        }
        let mut at = 0;
        let is_encrypted = loop {
            let Some(found) = self.source.find(b"/Encrypt", at)? else { break false };
            at = found + 8;
            // Not /EncryptMetadata.
            if !self.source.window(at, 1)?.first().is_some_and(u8::is_ascii_alphanumeric) {
                break true;
            }
        };
        self.is_encrypted = Some(is_encrypted);
        Ok(is_encrypted)
    }

    /// The filters of a stream, or the name of one that is not known.
    fn filters(&mut self, dict: &Dict) -> Result<Result<Filters, String>, ContainerError> {
        let list = |value| match value {
            Value::List(list) => list,
            Value::Null => Vec::new(),
            value => vec![value],
        };
        let names = list(self.get(dict, &["Filter", "F"])?);
        let params = list(self.get(dict, &["DecodeParms", "DP"])?);
        let mut filters = Filters { undone: Vec::new(), format: None };
        for (k, name) in names.iter().enumerate() {
            let Value::Name(name) = self.resolve(name)? else { return Ok(Err("a filter".to_owned())) };
            let told = String::from_utf8_lossy(&name).into_owned();
            if filters.format.is_some() || k >= MOST_FILTERS {
                return Ok(Err(format!("{told} behind other filters")));
            }
            let params = match params.get(k).map(|value| self.resolve(value)).transpose()? {
                Some(Value::Dict(dict)) => dict,
                _ => Dict::default(),
            };
            let undo = match &name[..] {
                b"FlateDecode" | b"Fl" => Undo::Flate,
                b"LZWDecode" | b"LZW" => Undo::Lzw,
                b"ASCIIHexDecode" | b"AHx" => Undo::Hex,
                b"ASCII85Decode" | b"A85" => Undo::Ascii85,
                b"RunLengthDecode" | b"RL" => Undo::RunLength,
                _ => {
                    filters.format = Some(name);
                    continue;
                }
            };
            filters.undone.push((undo, params));
        }
        Ok(Ok(filters))
    }

    /// What an image is given as.
    fn image(
        &mut self,
        dict: &Dict,
        filters: &Filters,
        stream: Stream,
    ) -> Result<Result<Image, ContainerError>, ContainerError> {
        let unsupported = |what: String| Ok(Err(ContainerError::Unsupported(what)));
        match filters.format.as_deref() {
            Some(b"DCTDecode" | b"DCT") => return Ok(Ok(Image { ending: ".jpg", raster: None })),
            Some(b"JPXDecode") => return Ok(Ok(Image { ending: ".jp2", raster: None })),
            Some(other) => return unsupported(String::from_utf8_lossy(other).into_owned()),
            None => {}
        }
        let mut number = |key: &[&str], otherwise: i64| -> Result<u64, ContainerError> {
            Ok(match self.get(dict, key)? {
                Value::Number(number) => number.try_into().unwrap_or(0),
                _ => otherwise.try_into().unwrap_or(0),
            })
        };
        let (width, height) = (number(&["Width", "W"], 0)?, number(&["Height", "H"], 0)?);
        let mut bits = number(&["BitsPerComponent", "BPC"], 8)?;
        let is_mask = matches!(dict.get(&["ImageMask", "IM"]), Some(Value::Bool(true)));
        let space = self.get(dict, &["ColorSpace", "CS"])?;
        let colors = if is_mask {
            bits = 1;
            Some(Colors::Gray)
        } else if space == Value::Null {
            match self.guess(filters, stream, width, height, bits) {
                Ok(colors) => colors,
                Err(error) => return Ok(Err(error)),
            }
        } else {
            self.colors(&space)?
        };
        let Some(colors) = colors else { return unsupported("a color space of pixels".to_owned()) };
        let inverted = self.get(dict, &["Decode", "D"])?;
        let is_inverted =
            matches!(inverted, Value::List(list) if list.starts_with(&[Value::Number(1), Value::Number(0)]));
        let is_fit =
            matches!(bits, 1 | 2 | 4 | 8 | 16) && !(bits == 16 && matches!(colors, Colors::Indexed(_)));
        let raster = Pixels { width, height, bits: bits as u32, colors, is_inverted };
        let row = raster.clone().of(io::empty()).row_len();
        if !is_fit || row == 0 || row > MOST_ROW || height == 0 {
            return unsupported(format!("a picture of {width} x {height} pixels of {bits} bits"));
        }
        let ending = match raster.colors {
            Colors::Gray if bits == 1 => ".pbm",
            Colors::Gray => ".pgm",
            _ => ".ppm",
        };
        Ok(Ok(Image { ending, raster: Some(raster) }))
    }

    fn colors(&mut self, space: &Value) -> Result<Option<Colors>, ContainerError> {
        let (name, list) = match space {
            Value::Name(name) => (name.clone(), &[][..]),
            Value::List(list) => match list.first() {
                Some(Value::Name(name)) => (name.clone(), &list[1..]),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(match &name[..] {
            b"DeviceGray" | b"G" | b"CalGray" => Some(Colors::Gray),
            b"DeviceRGB" | b"RGB" | b"CalRGB" => Some(Colors::Rgb),
            b"DeviceCMYK" | b"CMYK" => Some(Colors::Cmyk),
            b"ICCBased" => {
                let Some(profile) = list.first() else { return Ok(None) };
                let Value::Dict(profile) = self.resolve(profile)? else { return Ok(None) };
                match self.get(&profile, &["N"])? {
                    Value::Number(1) => Some(Colors::Gray),
                    Value::Number(3) => Some(Colors::Rgb),
                    Value::Number(4) => Some(Colors::Cmyk),
                    _ => None,
                }
            }
            b"Indexed" | b"I" => {
                let [base, _, table] = list else { return Ok(None) };
                let base = self.resolve(base)?;
                // One table in another is none.
                let is_table = matches!(&base, Value::List(list) if list.first() == Some(&Value::Name(b"Indexed".to_vec())));
                let base = if is_table { None } else { self.colors(&base)? };
                let table = self.table(table)?;
                match base {
                    Some(Colors::Rgb) => Some(Colors::Indexed(table)),
                    Some(Colors::Gray) => {
                        Some(Colors::Indexed(table.iter().flat_map(|light| [*light; 3]).collect()))
                    }
                    Some(Colors::Cmyk) => {
                        let ink = |ink: u8, k: u8| (u16::from(!ink) * u16::from(!k) / 255) as u8;
                        let rgb = |c: &[u8]| [ink(c[0], c[3]), ink(c[1], c[3]), ink(c[2], c[3])];
                        Some(Colors::Indexed(table.chunks_exact(4).flat_map(rgb).collect()))
                    }
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// The bytes of a table of colors: a text, or a small stream.
    fn table(&mut self, value: &Value) -> Result<Vec<u8>, ContainerError> {
        const MOST: u64 = 4 * 256;
        let Value::Ref(number) = value else {
            return Ok(if let Value::Text(text) = value { text.clone() } else { Vec::new() });
        };
        let Some(at) = self.places.get(number) else { return Ok(Vec::new()) };
        let bytes = self.source.read(*at, REFERRED, Vec::new())?;
        let mut parser = Parser::new(&bytes);
        let dict = match parser.value() {
            Some(Value::Text(text)) => return Ok(text),
            Some(Value::Dict(dict)) => dict,
            _ => return Ok(Vec::new()),
        };
        parser.skip_space();
        let Some(body) = bytes[parser.at..].strip_prefix(b"stream") else { return Ok(Vec::new()) };
        let body = body.strip_prefix(b"\r").unwrap_or(body);
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        let end = memchr::memmem::find(body, b"endstream").unwrap_or(body.len());
        let mut table = Vec::new();
        if let Ok(filters) = self.filters(&dict)? {
            // What came out before an error is used.
            let body = filters.decode(&body[..end], &self.work);
            let _ = Worked { input: body, work: &self.work }.take(MOST).read_to_end(&mut table);
        }
        Ok(table)
    }

    /// How many samples a pixel has, by how many bytes there are: the color space is in a compressed object.
    ///
    /// # Errors
    /// [`Exceeded`]: there are more bytes than may be looked at for that.
    fn guess(
        &mut self,
        filters: &Filters,
        stream: Stream,
        width: u64,
        height: u64,
        bits: u64,
    ) -> Result<Option<Colors>, ContainerError> {
        let pixels = width.saturating_mul(height);
        if bits != 8 || pixels == 0 {
            return Ok(None);
        }
        // As many are given of it at least, when it is one.
        if width > MOST_ROW || pixels > self.work.limits.bytes {
            let what = format!("a picture of {width} x {height} pixels of {bits} bits");
            return Err(ContainerError::Unsupported(what));
        }
        let body = filters.decode(Body { source: &mut self.source, stream }, &self.work);
        let mut body = Worked { input: body, work: &self.work }.take(pixels.saturating_mul(4));
        let (mut count, mut buffer) = (0, vec![0; 8 << 10]);
        loop {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(more) => count += more as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => match ContainerError::from(error) {
                    error @ (ContainerError::Exceeded(_) | ContainerError::Read(_)) => return Err(error),
                    // What came out before an error is what there is.
                    _ => break,
                },
            }
        }
        Ok(match count / pixels {
            1 | 2 => Some(Colors::Gray),
            3 => Some(Colors::Rgb),
            4 => Some(Colors::Cmyk),
            _ => None,
        })
    }
}

struct Image {
    ending: &'static str,
    /// Of pixels that are stored as such.
    raster: Option<Pixels>,
}

#[derive(Clone)]
struct Pixels {
    width: u64,
    height: u64,
    bits: u32,
    colors: Colors,
    is_inverted: bool,
}

impl Pixels {
    fn of<R>(self, source: R) -> Raster<R> {
        let Self { width, height, bits, colors, is_inverted } = self;
        Raster { source, width, height, bits, colors, is_inverted, row: Vec::new(), next: 0 }
    }
}

impl Filters {
    /// Whether a stream that begins so looks as it should: it is not encrypted then, whatever the file says.
    fn is_plausible(&self, head: &[u8]) -> bool {
        match (self.undone.first(), self.format.as_deref()) {
            (Some((Undo::Flate, _)), _) => {
                matches!(head, [a, b, ..] if a & 15 == 8 && u16::from_be_bytes([*a, *b]) % 31 == 0)
            }
            (None, Some(b"DCTDecode" | b"DCT")) => head.starts_with(&[0xff, 0xd8, 0xff]),
            (None, Some(b"JPXDecode")) => {
                head.starts_with(b"\0\0\0\x0cjP") || head.starts_with(&[0xff, 0x4f])
            }
            _ => false,
        }
    }

    /// What comes out of each filter but the last is counted as work.
    fn decode<'b>(&self, body: impl Read + 'b, work: &'b Work) -> Box<dyn Read + 'b> {
        let mut body: Box<dyn Read + 'b> = Box::new(body);
        for (k, (undo, params)) in self.undone.iter().enumerate() {
            if k > 0 {
                body = Box::new(Worked { input: body, work });
            }
            let source = BufReader::new(body);
            let number = |key: &str, otherwise: i64| match params.get(&[key]) {
                Some(Value::Number(number)) => *number,
                _ => otherwise,
            };
            body = match undo {
                Undo::Flate => Box::new(Inflate::new(source, Wrapping::Zlib)),
                Undo::Lzw => Box::new(Stepped::new(Lzw::new(source, number("EarlyChange", 1) != 0))),
                Undo::Hex => Box::new(Stepped::new(Hex(source))),
                Undo::Ascii85 => Box::new(Stepped::new(Ascii85(source))),
                Undo::RunLength => Box::new(Stepped::new(RunLength(source))),
            };
            let predictor = number("Predictor", 1);
            let bits = number("Colors", 1).clamp(1, 32) * number("BitsPerComponent", 8).clamp(1, 16);
            let row = (number("Columns", 1).clamp(1, 1 << 26) * bits + 7) / 8;
            let is_png = predictor >= 10;
            let is_known = is_png || predictor == 2 && number("BitsPerComponent", 8) == 8;
            if matches!(undo, Undo::Flate | Undo::Lzw) && is_known && row as u64 <= MOST_ROW {
                let (row, pixel) = (row as usize, (bits as usize).div_ceil(8));
                let predictor = Predictor { source: body, is_png, row, pixel, above: Vec::new() };
                body = Box::new(Stepped::new(predictor));
            }
        }
        body
    }
}

impl Stream {
    fn len(&self) -> usize {
        usize::try_from(self.end - self.start).unwrap_or(usize::MAX)
    }
}

/// The bytes of a stream, as they are stored.
struct Body<'b, 'i> {
    source: &'b mut Source<'i>,
    stream: Stream,
}

impl Read for Body<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Stream { start, end, is_cut } = &mut self.stream;
        let left = usize::try_from(*end - *start).unwrap_or(usize::MAX).min(buffer.len());
        if left == 0 {
            let is_cut = !buffer.is_empty() && std::mem::take(is_cut);
            return if is_cut { Err(ContainerError::CutShort.into()) } else { Ok(0) };
        }
        let bytes = self.source.window(*start, 1)?;
        let count = bytes.len().min(left);
        buffer[..count].copy_from_slice(&bytes[..count]);
        *start = if count == 0 { *end } else { *start + count as u64 };
        Ok(count)
    }
}

/// A text as UTF-8 when it says that it is UTF-16, and as it is otherwise.
fn text(bytes: &[u8]) -> Vec<u8> {
    let Some(units) = bytes.strip_prefix(&[0xfe, 0xff]) else { return bytes.to_vec() };
    let units = units.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect::<String>()
        .into_bytes()
}
