//! A mapping proposed for a CSV file that nobody has described: for a person to look at, not to be used unseen.

use lykta_hash::{Kind, PhotoDna};

use super::{Mapped, Mapping, SEPARATORS, Source, Target};
use crate::formats::csv::Record;
use crate::formats::fields::{Charset, Encoding, Field, read_hash, read_text};
use crate::formats::plain::kind_of;
use crate::lines::{Lines, trim};
use crate::reason::{Cause, Reason};

/// A mapping that may fit a file, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The mapping. As text it can be given back.
    pub mapping: Mapping,
    /// One sentence for each column that is used, and for the separator.
    pub reasons: Vec<String>,
}

/// How many rows are looked at.
const ROWS: usize = 50;

/// Names of columns, lower case and without anything but letters and digits, and what they are. Those of
/// hashes are believed only when the cells agree.
const NAMES: [(&str, &str); 31] = [
    ("id", "id"),
    ("imageid", "id"),
    ("mediaid", "id"),
    ("path", "path"),
    ("filepath", "path"),
    ("relativefilepath", "path"),
    ("filename", "path"),
    ("name", "path"),
    ("md5", "md5"),
    ("hashmd5", "md5"),
    ("sha1", "sha1"),
    ("hashsha1", "sha1"),
    ("sha256", "sha256"),
    ("hashsha256", "sha256"),
    ("blake3", "blake3"),
    ("pdq", "pdq"),
    ("pdqhash", "pdq"),
    ("pdqquality", "pdq_quality"),
    ("phash", "phash"),
    ("dhash", "dhash"),
    ("photodna", "photodna"),
    ("size", "size"),
    ("filesize", "size"),
    ("mediasize", "size"),
    ("category", "label_code"),
    ("severity", "label_code"),
    ("classification", "label_code"),
    ("labelcode", "label_code"),
    ("series", "series"),
    ("seriesname", "series"),
    ("victimidentified", "victim_identified"),
];

/// Proposes a mapping for the CSV file that begins with `head`: the separator that gives every row as many
/// cells, columns by what their cells hold, and by name. `None` when no column holds hashes.
///
/// ```
/// let head = b"File Name;Checksum;Severity\na.jpg;0cc175b9c0f1b6a831c399e269772661;B\n";
/// let proposal = lykta_list::propose(head).expect("a column holds MD5");
/// assert_eq!(proposal.mapping.to_string(), "md5=Checksum,path=File Name,label_code=Severity,separator=semicolon,header=yes");
/// ```
pub fn propose(head: &[u8]) -> Option<Proposal> {
    let (separator, word, rows) = SEPARATORS
        .into_iter()
        .filter_map(|(separator, word)| Some((separator, word, even_rows(head, separator)?)))
        .max_by_key(|(separator, _, rows)| (rows[0].len(), *separator == b','))?;
    let first = &rows[0];
    let is_headed = !first.iter().any(|cell| is_some_hash(trim(cell)));
    let sample = if is_headed { &rows[1..] } else { &rows[..] };
    let sheet = Sample { header: is_headed.then_some(&first[..]), rows: sample };

    let mut proposal = Columns::default();
    // Hashes by name before hashes by content: of two columns with 64 digits the one named sha256 is it.
    for at in 0..first.len() {
        proposal.by_name(&sheet, at, true);
    }
    for at in 0..first.len() {
        proposal.by_content(&sheet, at);
    }
    if !proposal.columns.iter().any(|column| column.target.field.is_of_hashes()) {
        return None;
    }
    for at in 0..first.len() {
        proposal.by_name(&sheet, at, false);
    }
    let mut reasons = proposal.reasons;
    if first.len() > 1 {
        reasons.push(format!("separator: with {word} every row has {} cells", first.len()));
    }
    let unused = (0..first.len()).filter(|at| !proposal.used.contains(at));
    let unused: Vec<String> =
        unused.map(|at| sheet.name(at).unwrap_or_else(|| format!("#{}", at + 1))).collect();
    if !unused.is_empty() {
        reasons.push(format!(
            "not mapped: {}; add label_code=COLUMN if one of them says what the file shows",
            unused.join(", ")
        ));
    }
    let mapping = Mapping {
        columns: proposal.columns,
        constants: Vec::new(),
        separator: (first.len() > 1).then_some(separator),
        header: Some(is_headed),
    };
    Some(Proposal { mapping: mapping.check().ok()?, reasons })
}

/// The first rows as cells, when all of them have as many.
fn even_rows(head: &[u8], separator: u8) -> Option<Vec<Vec<Vec<u8>>>> {
    let (mut lines, mut record) = (Lines::new(head), Record::separated_by(separator));
    let mut rows: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut is_at_end = false;
    while rows.len() < ROWS && !is_at_end {
        match record.read(&mut lines) {
            Ok(true) if record.is_spoiled() => return None,
            Ok(true) => rows.push(record.cells().map(<[u8]>::to_vec).collect()),
            // What is cut inside quotation marks has been cut by the caller, who has the start only.
            Ok(false) | Err(_) => is_at_end = true,
        }
    }
    if is_at_end && rows.len() > 2 && !head.ends_with(b"\n") {
        rows.pop();
    }
    let width = rows.first()?.len();
    rows.iter().all(|row| row.len() == width).then_some(rows)
}

/// The rows that are looked at.
struct Sample<'s> {
    header: Option<&'s [Vec<u8>]>,
    rows: &'s [Vec<Vec<u8>>],
}

impl Sample<'_> {
    /// The name of a column, when it has one that is text and no other column has it.
    fn name(&self, at: usize) -> Option<String> {
        let header = self.header?;
        let name = trim(header.get(at)?);
        let is_only = header.iter().filter(|other| trim(other).eq_ignore_ascii_case(name)).count() == 1;
        let name = read_text(name, Charset::Utf8).ok()?;
        (is_only && !name.is_empty()).then_some(name)
    }

    /// How many cells of a column are filled, if all that are fit.
    fn all(&self, at: usize, fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
        let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| trim(cell));
        let filled: Vec<_> = cells.filter(|cell| !cell.is_empty()).collect();
        filled.iter().all(|cell| fits(cell)).then_some(filled.len())
    }
}

#[derive(Default)]
struct Columns {
    columns: Vec<Mapped>,
    used: Vec<usize>,
    reasons: Vec<String>,
}

impl Columns {
    /// Uses a column for what its name says: for hashes, or for all else.
    fn by_name(&mut self, sample: &Sample<'_>, at: usize, hashes: bool) {
        let Some(name) = sample.name(at) else { return };
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let known = NAMES.iter().find(|(known, _)| *known == plain);
        let Some(target) = known.and_then(|(_, target)| Target::of(target)) else { return };
        if target.field.is_of_hashes() != hashes {
            return;
        }
        let Some((encoding, filled)) = how_written(sample, at, target.field) else { return };
        let cells = match (target.field, filled) {
            (_, 0) => "; it is empty in the first rows".to_owned(),
            (Field::Hash(..) | Field::PhotoDna | Field::Size, _) => {
                format!(", and {filled} cells are such values")
            }
            _ => String::new(),
        };
        self.add(sample, at, target, encoding, &format!("by its name{cells}"));
    }

    /// Uses a column for the hashes that all of its cells are.
    fn by_content(&mut self, sample: &Sample<'_>, at: usize) {
        let of_kind = |kind| sample.all(at, |cell| kind_of(cell) == Some(kind)).filter(|filled| *filled > 0);
        for kind in [Kind::Md5, Kind::Sha1, Kind::Sha256] {
            if let Some(filled) = of_kind(kind)
                && let Some(target) = Target::of(kind.name())
            {
                let digits = 2 * kind.byte_len();
                let other = if kind == Kind::Sha256 { "; they could be BLAKE3 or PDQ" } else { "" };
                let why = format!("{filled} cells are {digits} hexadecimal digits{other}");
                self.add(sample, at, target, Encoding::Hex, &why);
            }
        }
        if let Some(filled) =
            sample.all(at, |cell| PhotoDna::from_text(cell).is_ok()).filter(|filled| *filled > 0)
            && let Some(target) = Target::of("photodna")
        {
            self.add(sample, at, target, Encoding::Hex, &format!("{filled} cells are 144 bytes"));
        }
    }

    fn add(&mut self, sample: &Sample<'_>, at: usize, target: Target, encoding: Encoding, why: &str) {
        if self.used.contains(&at) || self.columns.iter().any(|column| column.target == target) {
            return;
        }
        let (source, shown) = match sample.name(at) {
            Some(name) => (Source::Name(name.clone()), format!("{name:?}")),
            None => (Source::Number(at + 1), format!("column {}", at + 1)),
        };
        self.reasons.push(format!("{}: {shown}, {why}", target.name));
        self.columns.push(Mapped { target, encoding, source });
        self.used.push(at);
    }
}

/// How the cells of a column are written if they are what it is taken for, and how many are filled.
fn how_written(sample: &Sample<'_>, at: usize, field: Field) -> Option<(Encoding, usize)> {
    let in_hex = |filled| (Encoding::Hex, filled);
    match field {
        Field::Hash(kind, _) => {
            [Encoding::Hex, Encoding::Base32, Encoding::Base64].into_iter().find_map(|encoding| {
                let filled = sample.all(at, |cell| is_written(kind, encoding, cell))?;
                Some((encoding, filled))
            })
        }
        Field::PhotoDna => sample.all(at, |cell| PhotoDna::from_text(cell).is_ok()).map(in_hex),
        Field::Size | Field::PdqQuality => {
            sample.all(at, |cell| cell.iter().all(u8::is_ascii_digit)).map(in_hex)
        }
        _ => sample.all(at, |_| true).map(in_hex),
    }
}

/// Whether a cell is a hash of `kind`, be it one that no list should hold.
fn is_written(kind: Kind, encoding: Encoding, cell: &[u8]) -> bool {
    let read = read_hash(kind, encoding, cell);
    !matches!(read.as_ref().map_err(Cause::reason), Err(Reason::BadLength | Reason::BadCharacter))
}

fn is_some_hash(cell: &[u8]) -> bool {
    kind_of(cell).is_some() || PhotoDna::from_text(cell).is_ok()
}
