//! The report for people: one page without scripts, pictures or anything from elsewhere.
//!
//! Written front to back while the sorted lines pass by, so its size in memory is that of a line.

use std::io::{self, Write};

use lykta_source::visible;

use crate::record::Label;
use crate::report::manifest::RunInfo;
use crate::report::rows::{ErrorRow, FindingRow};
use crate::summary::Summary;

/// Rows of a table; beyond that a page becomes too heavy to open.
const MOST_ROWS: u64 = 10_000;

const STYLE: &str = include_str!("style.css");

/// SHA-256 of [`STYLE`] in base64: the page may use this style and nothing else.
const STYLE_DIGEST: &str = "jzu9eQ0pITmuRaJZcvPF5eoL6pbbg92ITREtnb3kaqw=";

/// What each outcome means, in the order of results.
const MEANINGS: [(&str, &str); 8] = [
    ("matched_exact", "A digest of the file is in a list: the same bytes, as far as the digest can tell."),
    (
        "matched_near_only",
        "No digest is in a list, but the picture looks like one in a list. A person must compare the two.",
    ),
    ("noted", "Only entries that lists mark as worth a note were hit. Not counted as found."),
    ("ignored", "Only entries of ignore lists were hit, by digest."),
    ("unmatched_exact_and_near", "No match in the lists given, by digest and by likeness."),
    (
        "unmatched_exact_only",
        "No match in the lists given by digest; likeness was not compared, for the reason given.",
    ),
    ("failed", "The item could not be examined, or not as it should have been."),
    ("skipped", "The item was left out on purpose, for the reason given."),
];

const LIMITS: [&str; 6] = [
    "A list holds what somebody has seen before. Items without a match are not in the lists given; nothing more follows.",
    "A match by likeness says that two pictures have similar hashes at the distance given. Different pictures can have similar hashes, and an edited picture can have a very different one.",
    "MD5 and SHA-1 can be forged: a match by one of them alone is marked weak.",
    "Somebody disputes that the entry of a match marked disputed belongs into its list. Such a match counts as any other.",
    "Likeness is compared for still pictures of the formats that are decoded. Videos, documents and files within archives are compared as whole files, by digest.",
    "Items that failed or were skipped are listed below with the reason. They were not examined, or not completely.",
];

/// A page under way.
pub(crate) struct Page<W> {
    out: W,
    rows: u64,
}

impl<W: Write> Page<W> {
    /// Writes everything before the findings.
    pub(crate) fn begin(mut out: W, summary: &Summary, run: &RunInfo) -> io::Result<Self> {
        write!(
            out,
            concat!(
                "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'\">\n",
                "<meta name=\"viewport\" content=\"width=device-width\">\n",
                "<title>Scan report</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
                "<h1>Scan report</h1>\n<p class=\"result\">{}.</p>\n"
            ),
            STYLE_DIGEST,
            STYLE,
            escape(&summary.sentence())
        )?;
        for note in summary.notes() {
            writeln!(out, "<p class=\"note\">{}.</p>", escape(&note))?;
        }
        write_outcomes(&mut out, summary)?;
        write_run(&mut out, run)?;
        write!(
            out,
            concat!(
                "<h2>Findings</h2>\n<table>\n<thead><tr><th>Where</th><th class=\"number\">Bytes</th><th>Matches</th>",
                "<th>SHA-256</th></tr></thead>\n<tbody>\n"
            )
        )?;
        Ok(Self { out, rows: 0 })
    }

    /// Writes one finding, or counts it when there are too many.
    pub(crate) fn finding(&mut self, finding: &FindingRow) -> io::Result<()> {
        self.rows += 1;
        if self.rows > MOST_ROWS {
            return Ok(());
        }
        let size = finding.size.map(|size| size.to_string()).unwrap_or_default();
        write!(
            self.out,
            "<tr><td>{}</td><td class=\"number\">{size}</td><td><ul>",
            escape(&finding.place())
        )?;
        for found in &finding.matches {
            let how = match &found.view {
                Some(view) => format!("{} distance {}, view {view}", found.kind, found.distance),
                None => found.kind.clone(),
            };
            let mut about = vec![how];
            about.extend(found.place().map(|place| format!("rectangle {place}")));
            about.extend(found.entry_view.as_ref().map(|view| format!("part {view} of the entry")));
            about.extend(found.band.as_ref().map(|band| format!("band {band}")));
            about.extend(found.plain.then(|| "plain picture".to_owned()));
            about.extend(found.below_band.then(|| "below the band asked for, not counted".to_owned()));
            about.push(format!("role {}", found.role));
            about.extend(found.label.as_ref().map(words));
            about.extend(found.weak.then(|| "weak".to_owned()));
            about.extend(found.disputed.then(|| "disputed".to_owned()));
            let about = escape(&about.join(", "));
            let version = if found.list_version.is_empty() { "" } else { " " };
            let list = escape(&format!("{}{version}{}", found.list, found.list_version));
            let (entry, row) = (escape(&found.entry), found.row);
            write!(self.out, "<li>{list}: {entry} (row {row}) <small>({about})</small></li>")?;
        }
        let sha256 = finding.digests.get("sha256").map(String::as_str).unwrap_or_default();
        writeln!(self.out, "</ul></td><td class=\"hash\">{}</td></tr>", escape(sha256))
    }

    /// Writes what is between the findings and the errors.
    pub(crate) fn begin_errors(&mut self) -> io::Result<()> {
        self.end_table("findings.jsonl")?;
        write!(
            self.out,
            concat!(
                "<h2>Not examined, or not completely</h2>\n<table>\n<thead><tr><th>Where</th><th>Outcome</th>",
                "<th>Reason</th><th>Compared</th></tr></thead>\n<tbody>\n"
            )
        )
    }

    /// Writes one error, or counts it when there are too many.
    pub(crate) fn error(&mut self, error: &ErrorRow) -> io::Result<()> {
        self.rows += 1;
        if self.rows > MOST_ROWS {
            return Ok(());
        }
        writeln!(
            self.out,
            "<tr><td>{}</td><td>{}</td><td>{}<br><small>{}</small></td><td>{}</td></tr>",
            escape(&error.place()),
            escape(&error.outcome),
            escape(&error.reason),
            escape(&error.detail),
            escape(&error.compared),
        )
    }

    /// Writes the rest and gives the writer back.
    pub(crate) fn end(mut self) -> io::Result<W> {
        self.end_table("errors.jsonl")?;
        writeln!(self.out, "<h2>What the words mean</h2>\n<dl>")?;
        for (outcome, meaning) in MEANINGS {
            writeln!(self.out, "<dt>{outcome}</dt><dd>{}</dd>", escape(meaning))?;
        }
        writeln!(self.out, "</dl>\n<h2>Limits</h2>\n<ul>")?;
        for limit in LIMITS {
            writeln!(self.out, "<li>{}</li>", escape(limit))?;
        }
        writeln!(self.out, "</ul>\n</main>\n</body>\n</html>")?;
        Ok(self.out)
    }

    fn end_table(&mut self, file: &str) -> io::Result<()> {
        if self.rows == 0 {
            writeln!(self.out, "<tr><td colspan=\"4\">None.</td></tr>")?;
        }
        writeln!(self.out, "</tbody>\n</table>")?;
        if self.rows > MOST_ROWS {
            let rows = self.rows;
            writeln!(self.out, "<p>The first {MOST_ROWS} of {rows} are shown; {file} has all of them.</p>")?;
        }
        self.rows = 0;
        Ok(())
    }
}

fn write_outcomes(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let row = |out: &mut dyn Write, class: &str, name: &str, items: u64, bytes: u64| {
        writeln!(
            out,
            "<tr class=\"{class}\"><td>{}</td><td class=\"number\">{items}</td><td class=\"number\">{bytes}</td></tr>",
            escape(name)
        )
    };
    writeln!(
        out,
        "<h2>Summary</h2>\n<table>\n<thead><tr><th>Outcome</th><th class=\"number\">Items</th><th class=\"number\">Bytes</th></tr></thead>\n<tbody>"
    )?;
    for (name, count) in summary.outcomes() {
        row(out, "outcome", name, count.items, count.bytes)?;
        for (reason, count) in summary.reasons(name) {
            row(out, "reason", reason, count.items, count.bytes)?;
        }
    }
    let seen = summary.seen();
    row(out, "total", "seen", seen.items, seen.bytes)?;
    writeln!(out, "</tbody>\n</table>")
}

fn write_run(out: &mut impl Write, run: &RunInfo) -> io::Result<()> {
    writeln!(out, "<h2>How it was made</h2>\n<dl>")?;
    writeln!(out, "<dt>Program</dt><dd>{} {}</dd>", escape(&run.tool), escape(&run.version))?;
    writeln!(out, "<dt>Arguments</dt><dd>{}</dd>", escape(&run.arguments.join(" ")))?;
    for index in &run.indexes {
        let (path, sha256) = (escape(&index.path), escape(&index.sha256));
        writeln!(out, "<dt>Index</dt><dd>{path} <span class=\"hash\">SHA-256 {sha256}</span></dd>")?;
    }
    if let Some(disputes) = &run.disputes {
        let (path, sha256) = (escape(&disputes.path), escape(&disputes.sha256));
        writeln!(
            out,
            "<dt>Disputed entries</dt><dd>{} named in {path} <span class=\"hash\">SHA-256 {sha256}</span></dd>",
            disputes.entries
        )?;
    }
    writeln!(
        out,
        concat!(
            "</dl>\n<p>Times, computer and the SHA-256 of every file of this report are in manifest.json.</p>\n",
            "<h2>Lists used</h2>\n<table>\n<thead><tr><th>List</th><th>Role</th><th class=\"number\">Rows</th>",
            "<th class=\"number\">Accepted</th><th class=\"number\">Rejected</th><th>SHA-256</th></tr></thead>\n<tbody>"
        )
    )?;
    for list in run.indexes.iter().flat_map(|index| &index.lists) {
        writeln!(
            out,
            concat!(
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>",
                "<td class=\"number\">{}</td><td class=\"hash\">{}</td></tr>"
            ),
            escape(&list.name),
            escape(&list.role),
            list.rows,
            list.accepted,
            list.rejected.values().sum::<u64>(),
            escape(&list.sha256),
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

/// Text as HTML text, in an element or an attribute. Characters that cannot be seen or that change
/// the direction of what follows are written as the bytes of their UTF-8, `\xNN`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).to_string().chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// A label in words: the list's own, then the site's.
fn words(label: &Label) -> String {
    let Label { scheme, version, code, series, victim_identified, site } = label;
    let mut words = format!("label {scheme} {version} {code}");
    for (what, value) in [("series", series), ("victim identified", victim_identified), ("site label", site)]
    {
        if !value.is_empty() {
            words.push_str(&format!(", {what} {value}"));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::NearMatching;
    use sha2::{Digest, Sha256};

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(escape("<script>\"'&"), "&lt;script&gt;&quot;&#39;&amp;");
        assert_eq!(escape("a\u{202e}gpj.exe\n"), "a\\xe2\\x80\\xaegpj.exe\\x0a");
        assert_eq!(escape("é\\xff"), "é\\xff");
    }

    #[test]
    fn the_policy_allows_the_style_as_it_is() {
        let digest: [u8; 32] = Sha256::digest(STYLE).into();
        assert_eq!(lykta_hash::text::base64(STYLE_DIGEST.as_bytes()), Ok(digest));
    }

    fn page(findings: u64) -> String {
        let summary = Summary::new(NearMatching::NoPdqInLists, 0);
        let mut page = Page::begin(Vec::new(), &summary, &RunInfo::default()).unwrap();
        let line = r#"{"locator":["<b>"],"size":1,"digests":{},"pdq":null,"pdq_quality":null,"matches":[]}"#;
        let finding: FindingRow = serde_json::from_str(line).unwrap();
        for _ in 0..findings {
            page.finding(&finding).unwrap();
        }
        page.begin_errors().unwrap();
        String::from_utf8(page.end().unwrap()).unwrap()
    }

    #[test]
    fn a_page_shows_at_most_so_many_rows_and_says_where_the_rest_is() {
        let page = page(MOST_ROWS + 2);
        assert_eq!(page.matches("&lt;b&gt;").count() as u64, MOST_ROWS);
        assert!(page.contains("The first 10000 of 10002 are shown; findings.jsonl has all of them."));
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere_and_claims_nothing() {
        let page = page(0);
        assert!(page.contains("default-src 'none'"));
        assert!(page.contains("near matching not performed: the lists hold no PDQ"));
        assert!(page.contains("no match in the lists given"));
        for word in ["<script", "<img", "http://", "https://", "clean", "safe", "verdict", "guilty", "%;}"] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
