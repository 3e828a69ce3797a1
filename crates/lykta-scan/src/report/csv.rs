//! Findings as CSV, one row for each match, for spreadsheets.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::report::rows::FindingRow;

const COLUMNS: &[&str] = &[
    "locator",
    "size",
    "md5",
    "sha1",
    "sha256",
    "blake3",
    "pdq",
    "pdq_quality",
    "kind",
    "distance",
    "view",
    "rectangle",
    "entry_view",
    "coarse_distance",
    "band",
    "plain",
    "below_band",
    "list",
    "list_version",
    "list_sha256",
    "entry",
    "row",
    "label_scheme",
    "label_version",
    "label_code",
    "series",
    "victim_identified",
    "site_label",
    "role",
    "weak",
    "disputed",
];

/// The first line.
pub(crate) fn write_header(out: &mut impl Write) -> io::Result<()> {
    write_row(out, COLUMNS.iter().map(|column| (*column).to_owned()))
}

/// The rows of a finding: steps of the locator joined with `!`, unknown values empty.
///
/// With `redact_names` the locator is the item's SHA-256 and size, and an entry, which may be called by a
/// path, is its row.
pub(crate) fn write_finding(
    out: &mut impl Write,
    finding: &FindingRow,
    redact_names: bool,
) -> io::Result<()> {
    let place = match redact_names {
        true => {
            let sha256 = finding.digests.get("sha256").map_or("unknown", String::as_str);
            format!("sha256:{sha256} size:{}", text(finding.size))
        }
        false => finding.place(),
    };
    for found in &finding.matches {
        let digests = ["md5", "sha1", "sha256", "blake3"];
        let label = found.label.as_ref();
        let cells = [place.clone(), text(finding.size)]
            .into_iter()
            .chain(digests.map(|kind| finding.digests.get(kind).cloned().unwrap_or_default()))
            .chain([
                finding.pdq.clone().unwrap_or_default(),
                text(finding.pdq_quality),
                found.kind.clone(),
                found.distance.to_string(),
                found.view.clone().unwrap_or_default(),
                found.place().unwrap_or_default(),
                found.entry_view.clone().unwrap_or_default(),
                text(found.coarse_distance),
                found.band.clone().unwrap_or_default(),
                found.plain.to_string(),
                found.below_band.to_string(),
                found.list.clone(),
                found.list_version.clone(),
                found.list_sha256.clone(),
                if redact_names { format!("row {}", found.row) } else { found.entry.clone() },
                found.row.to_string(),
                label.map(|label| label.scheme.clone()).unwrap_or_default(),
                label.map(|label| label.version.clone()).unwrap_or_default(),
                label.map(|label| label.code.clone()).unwrap_or_default(),
                label.map(|label| label.series.clone()).unwrap_or_default(),
                label.map(|label| label.victim_identified.clone()).unwrap_or_default(),
                label.map(|label| label.site.clone()).unwrap_or_default(),
                found.role.clone(),
                found.weak.to_string(),
                found.disputed.to_string(),
            ]);
        write_row(out, cells)?;
    }
    Ok(())
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn write_row(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let row: Vec<String> = cells.map(|cell| escape(&cell)).collect();
    // RFC 4180: lines end with CR LF.
    out.write_all(row.join(",").as_bytes())?;
    out.write_all(b"\r\n")
}

/// Text with a `'` in front where a spreadsheet would take it for a formula, and where it looks as if
/// it had one already. File names are chosen by strangers.
pub fn disarm_formula(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`disarm_formula`] was given.
pub fn restore_formula(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| is_formula(text.trim_start_matches('\''))).unwrap_or(cell)
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell: disarmed, and quoted where CSV needs it.
fn escape(cell: &str) -> String {
    let text = disarm_formula(cell);
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_separators_quoted() {
        for (cell, expected) in [
            ("a.jpg", "a.jpg"),
            ("=cmd()", "'=cmd()"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("=1,\"2\"", "\"'=1,\"\"2\"\"\""),
            ("'=x", "''=x"),
            ("'x", "'x"),
            ("", ""),
        ] {
            assert_eq!(escape(cell), expected);
            assert_eq!(restore_formula(&disarm_formula(cell)), cell);
        }
    }
}
