//! What is on a page, and what is not.

use sha2::{Digest, Sha256};

use super::*;
use crate::summary::NearMatching;

const LANGUAGES: [Language; 2] = [Language::English, Language::Swedish];

#[test]
fn names_cannot_leave_their_place() {
    assert_eq!(escape("<script>\"'&"), "&lt;script&gt;&quot;&#39;&amp;");
    assert_eq!(escape("a\u{202e}gpj.exe\n"), "a\\xe2\\x80\\xaegpj.exe\\x0a");
    assert_eq!(escape("é\\xff"), "é\\xff");
}

/// From the page itself, as a browser does it: what is between the tags is what is digested.
#[test]
fn the_policy_allows_the_style_and_the_script_as_they_are() {
    let page = page(1, PageOptions::default());
    for (tag, stated) in [("style", STYLE_DIGEST), ("script", SCRIPT_DIGEST)] {
        let parts: Vec<&str> = page.split(&format!("<{tag}>")).collect();
        assert_eq!(parts.len(), 2, "one {tag} and no more");
        let (content, _) = parts[1].split_once(&format!("</{tag}>")).unwrap();
        let digest = lykta_hash::text::to_base64(&Sha256::digest(content));
        assert_eq!(digest, stated, "{tag}");
        assert!(page.contains(&format!("{tag}-src 'sha256-{digest}'")), "{tag}");
    }
}

fn page(findings: u64, options: PageOptions) -> String {
    let summary = Summary::new(NearMatching::NoPdqInLists, 0);
    let scanned = ["/evidence/x".to_owned()];
    let run = RunInfo { case: Some("<case>".into()), ..RunInfo::default() };
    let mut page = Page::begin(Vec::new(), &summary, &run, &scanned, options).unwrap();
    let line = r#"{"locator":["<b>"],"size":1,"digests":{"sha256":"abcd"},"pdq":null,"pdq_quality":null,"matches":[
        {"kind":"pdq","distance":7,"view":"rot90","band":"strong","list":"l\" x=\"'<u>","list_sha256":"","entry":"<entry>","row":4,
         "label":null,"role":"match","weak":false,"disputed":false}]}"#;
    let finding: FindingRow = serde_json::from_str(line).unwrap();
    for _ in 0..findings {
        page.finding(&finding).unwrap();
    }
    page.begin_errors().unwrap();
    let line = r#"{"locator":["<lost>"],"size":2,"outcome":"failed","reason":"picture is damaged",
        "detail":"<detail>","compared":"exact"}"#;
    page.error(&serde_json::from_str(line).unwrap()).unwrap();
    String::from_utf8(page.end().unwrap()).unwrap()
}

#[test]
fn a_page_shows_at_most_so_many_rows_and_says_where_the_rest_is() {
    let page = page(MOST_ROWS + 2, PageOptions::default());
    assert_eq!(page.matches("&lt;b&gt;").count() as u64, MOST_ROWS);
    assert!(page.contains("The first 10000 of 10002 are shown; findings.jsonl has all of them."));
}

#[test]
fn a_finding_shows_at_most_so_many_matches() {
    let found = r#"{"kind":"md5","distance":0,"view":null,"list":"l","list_sha256":"","entry":"e","row":1,
        "label":null,"role":"match","weak":true,"disputed":false}"#;
    let matches = vec![found; MOST_MATCHES + 3].join(",");
    let line = format!(
        r#"{{"locator":["a"],"size":1,"digests":{{}},"pdq":null,"pdq_quality":null,"matches":[{matches}]}}"#
    );
    let summary = Summary::new(NearMatching::Off, 0);
    let mut page =
        Page::begin(Vec::new(), &summary, &RunInfo::default(), &[], PageOptions::default()).unwrap();
    page.finding(&serde_json::from_str(&line).unwrap()).unwrap();
    let page = String::from_utf8(page.out).unwrap();
    assert_eq!(page.matches("data-kind=\"md5\"").count(), MOST_MATCHES);
    assert!(page.contains("and 3 more matches: see findings.jsonl"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere_and_claims_nothing() {
    for language in LANGUAGES {
        let page = page(1, PageOptions { language, redact_names: false });
        assert!(page.contains("default-src 'none'"));
        for word in [
            "<img",
            "http://",
            "https://",
            "src=",
            "href=",
            "url(",
            "import",
            "fetch",
            "innerHTML",
            "clean",
            "safe",
            "verdict",
            "guilty",
            "%;}",
        ] {
            assert!(!page.contains(word), "{word}");
        }
    }
    let english = page(0, PageOptions::default());
    assert!(english.contains("near matching not performed: the lists hold no PDQ"));
    assert!(english.contains("no match in the lists given"));
}

#[test]
fn a_name_cannot_leave_its_attribute() {
    let page = page(1, PageOptions::default());
    assert!(page.contains("<li data-list=\"l&quot; x=&quot;&#39;&lt;u&gt;\" data-kind=\"pdq\""), "{page}");
    assert!(!page.contains("<u>"));
}

/// Whoever looks over a shoulder reads no name, and a browser without scripts shows all the same.
#[test]
fn names_are_folded_under_a_number() {
    let page = page(2, PageOptions::default());
    for (number, name) in
        [("finding 2", "&lt;b&gt;"), ("paths: 1", "/evidence/x"), ("problem 1", "&lt;lost&gt;")]
    {
        assert!(page.contains(&format!("<details><summary>{number}</summary>{name}")), "{page}");
    }
    let unfolded: String =
        page.split("<details>").map(|part| part.rsplit("</details>").next().unwrap()).collect();
    for name in ["&lt;b&gt;", "/evidence/x", "&lt;lost&gt;", "&lt;detail&gt;"] {
        assert!(!unfolded.contains(name), "{name}");
    }
    assert!(unfolded.contains("&lt;case&gt;"));
}

#[test]
fn a_page_without_names_has_digests_sizes_and_rows_in_their_place() {
    for language in LANGUAGES {
        let page = page(1, PageOptions { language, redact_names: true });
        for name in
            ["&lt;b&gt;", "/evidence/x", "&lt;lost&gt;", "&lt;detail&gt;", "&lt;entry&gt;", "<details>"]
        {
            assert!(!page.contains(name), "{name}");
        }
        assert!(page.contains("SHA-256 abcd, 1 byte") && page.contains(say::REDACTED.say(language)));
    }
}

#[test]
fn a_swedish_page_is_swedish() {
    let page = page(1, PageOptions { language: Language::Swedish, redact_names: false });
    for part in [
        "<html lang=\"sv\">",
        "0 objekt påträffade, varav 0 undersökta: ingen träff i de angivna listorna.",
        "likhetsjämförelse utfördes inte: listorna innehåller ingen PDQ.",
        "pdq: liknar, avstånd 7 bitar, vy rot90, band starkt, roll träff",
        "<td>bilden är skadad</td><td>exakt</td>",
        "data-band=\"strong\" data-band-name=\"starkt\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for word in ["Findings", "Where", "finding 1", "looks alike", "No match", "A person"] {
        assert!(!page.contains(word), "{word}");
    }
}
