//! Files of decisions, sound and spoiled.

use super::*;

const HEADER: &str = "id,decision,scheme,code,by,at,viewed,family\n";

fn error(row: &str) -> DecisionError {
    Decisions::read(format!("{HEADER}{row}\n").as_bytes()).unwrap_err().remove(0)
}

#[test]
fn rows_are_read_whatever_the_order_of_columns() {
    let text = "viewed,x,at,by,code,scheme,decision,id,pdq\n\
        yes,1,2026-03-01T09:30:00Z,kim,a,site,match,'=a.jpg,f8\n,,,,,,,b.jpg,\nno,,,,,,none,c.jpg,\n";
    let decisions = Decisions::read(text.as_bytes()).unwrap();
    let first = &decisions.rows()[0];
    assert_eq!((first.id.as_str(), first.line, first.hashes[2].as_str()), ("=a.jpg", 2, "f8"));
    assert_eq!(decisions.of("=a.jpg").unwrap().ruling, Ruling::Match);
    assert_eq!((decisions.of("b.jpg"), decisions.rows().len()), (None, 3));
}

#[test]
fn each_fault_is_named_with_its_line() {
    use DecisionError::*;
    let good = "a,match,s,c,kim,2026-03-01T09:30:00Z,yes,1";
    assert!(Decisions::read(format!("{HEADER}{good}\n{good}\n").as_bytes()).is_ok(), "the same twice");
    assert!(matches!(error("a,match"), Cells { line: 2, expected: 8, got: 2 }));
    assert!(matches!(error(&good.replace("match", "Match")), Ruling { line: 2, .. }));
    for (column, from) in [("id", "a,"), ("by", "kim"), ("at", "2026-03-01T09:30:00Z"), ("viewed", "yes")] {
        let row = good.replacen(from.trim_end_matches(','), "", 1);
        assert!(matches!(error(&row), Empty { line: 2, column: named } if named == column), "{row}");
    }
    assert!(matches!(error(&good.replace("yes", "ja")), Viewed { line: 2, .. }));
    for at in
        ["1.3.2026", "2026-03-01", "2026-03-01T09:30:00", "2026-13-01T09:30:00Z", "2026-03-01 09:30:00Z"]
    {
        assert!(matches!(error(&good.replace("2026-03-01T09:30:00Z", at)), Time { line: 2, .. }), "{at}");
    }
    let other = good.replace(",c,", ",d,");
    let both = error(&format!("{good}\n{other}"));
    assert!(matches!(both, Contradiction { line: 3, earlier: 2, .. }), "{both}");
    assert!(matches!(error("\"a"), Csv(_)));
    let of = |text: &[u8]| Decisions::read(text).unwrap_err().remove(0);
    assert!(matches!(of(b"id,decision,scheme,code,by,viewed\n"), Header { line: 1, column: "at" }));
    assert!(matches!(of(b""), Header { line: 1, column: "id" }));
    assert!(matches!(of(b"id,decision,scheme,code,by,at,viewed,id\n"), Twice { line: 1, column: "id" }));
    assert!(matches!(of(b"id,decision,scheme,code,by,at,viewed\n\xff,,,,,,\n"), NotUtf8 { line: 2, .. }));
}

#[test]
fn everything_wrong_is_named_at_once() {
    let text = format!("{HEADER}{}", "a,x,,,,,,\n".repeat(30));
    assert_eq!(Decisions::read(text.as_bytes()).unwrap_err().len(), 20);
}

#[test]
fn times_are_those_of_rfc_3339() {
    for good in ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00.25+01:00", "2024-02-29T23:59:59-05:30"] {
        assert!(is_rfc3339(good), "{good}");
    }
    for bad in [
        "",
        "2023-02-29T00:00:00Z",
        "2026-03-01T09:30:00.Z",
        "2026-03-01T09:30:00+01",
        "2026-03-01t09:30:00z",
    ] {
        assert!(!is_rfc3339(bad), "{bad}");
    }
}
