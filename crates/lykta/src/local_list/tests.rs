//! What becomes of decisions, and what is refused.

use super::*;

const SHA1: &str = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8";
const OTHER: &str = "e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98";
const PDQ: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";
const HEADER: &str = "id,decision,scheme,code,by,at,viewed,sha1,pdq,pdq_quality\n";
const WHO: &str = "kim,2026-03-01T09:30:00Z,yes";

fn decisions(rows: &str) -> Decisions {
    Decisions::read(format!("{HEADER}{rows}").as_bytes()).unwrap()
}

fn add(path: &Path, rows: &str, take: Ruling) -> Result<Added, Vec<AddError>> {
    let mut list = LocalList::open(path).unwrap();
    let added = list.add(&decisions(rows), &FamilyHashes::default(), take)?;
    list.save().unwrap();
    Ok(added)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("local.csv");
    (folder, list)
}

#[test]
fn what_was_decided_becomes_rows_once_and_an_index_takes_them() {
    let (_folder, list) = place();
    let rows = format!(
        "'=a,match,site,1,{WHO},{SHA1},{PDQ},77\nb,note,,,{WHO},{OTHER},,\nc,none,,,,,,,,\nd,,,,,,,,,\n"
    );
    let added = add(&list, &rows, Ruling::Match).unwrap();
    assert_eq!((added.rows, added.added, added.already), (4, 1, 0));
    assert_eq!(added.decided, [(Ruling::None, 2), (Ruling::Match, 1), (Ruling::Note, 1)].into());
    let text = fs::read_to_string(&list).unwrap();
    let expected = format!(
        "id,sha1,sha256,pdq,pdq_quality,size,label_scheme,label_code,decision,by,at,viewed\n\
         '=a,{SHA1},,{PDQ},77,,site,1,match,{WHO}\n"
    );
    assert_eq!(text, expected);
    let taken: Vec<Row> =
        Reader::new(text.as_bytes(), &ReadOptions::default()).unwrap().map(Result::unwrap).collect();
    assert!(
        matches!(&taken[..], [Row::Accepted(entry)] if entry.hashes.len() == 2 && entry.dropped.is_empty())
    );

    let again = add(&list, &rows, Ruling::Match).unwrap();
    assert_eq!((again.added, again.already), (0, 1));
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn a_list_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, list) = place();
    add(&list, &format!("a,match,,,{WHO},{SHA1},,\n"), Ruling::Match).unwrap();
    assert_eq!(fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn rows_and_columns_of_an_older_list_stay() {
    let (_folder, list) = place();
    fs::write(&list, format!("md5,id,sha1\n0cc175b9c0f1b6a831c399e269772661,old,{OTHER}\n")).unwrap();
    add(&list, &format!("a,match,,,{WHO},{SHA1},,\n"), Ruling::Match).unwrap();
    let text = fs::read_to_string(&list).unwrap();
    assert!(text.starts_with("md5,id,sha1,sha256,"), "{text}");
    assert!(text.contains(&format!("0cc175b9c0f1b6a831c399e269772661,old,{OTHER},,")), "{text}");
    assert!(text.contains(&format!("\n,a,{SHA1},")), "{text}");
}

#[test]
fn hashes_may_come_from_the_families() {
    let (_folder, list) = place();
    let families = FamilyHashes::read(format!("id,sha1\na,{SHA1}\n").as_bytes()).unwrap();
    let rows = decisions(&format!("a,match,,,{WHO},,,\n"));
    let mut local = LocalList::open(&list).unwrap();
    assert_eq!(local.add(&rows, &families, Ruling::Match).unwrap().added, 1);
}

#[test]
fn each_fault_is_an_error_and_nothing_is_written() {
    let (_folder, list) = place();
    let first = |rows: &str, take| add(&list, rows, take).unwrap_err().remove(0);
    let one = format!("a,match,s,1,{WHO},{SHA1},,\n");
    assert!(matches!(
        first(&format!("a,match,,,{WHO},,,\n"), Ruling::Match),
        AddError::NoHash { line: 2, .. }
    ));
    for bad in ["zz", &SHA1[1..], "\"86f7e437faa5a7fce15d1ddcb9eaeaea37766,b8\""] {
        let row = format!("a,match,,,{WHO},{bad},{PDQ},80\n");
        assert!(matches!(first(&row, Ruling::Match), AddError::BadHash { line: 2, .. }), "{bad}");
    }
    let flat = format!("a,match,,,{WHO},,{PDQ},0\n");
    assert!(matches!(first(&flat, Ruling::Match), AddError::BadHash { line: 2, .. }));
    let both = format!("{one}b,ignore,,,{WHO},{SHA1},,\n");
    assert!(matches!(first(&both, Ruling::Match), AddError::Contradiction { line: 3, earlier: 2, .. }));
    assert!(!list.exists());

    add(&list, &one, Ruling::Match).unwrap();
    let text = fs::read_to_string(&list).unwrap();
    let label = format!("a,match,s,2,{WHO},{OTHER},,\n");
    assert!(matches!(first(&label, Ruling::Match), AddError::OtherLabel { line: 2, what: "id", .. }));
    let label = format!("b,match,s,2,{WHO},{SHA1},,\n");
    assert!(matches!(first(&label, Ruling::Match), AddError::OtherLabel { line: 2, what: "hashes", .. }));
    let note = format!("b,note,s,1,{WHO},{OTHER},,\n");
    assert!(matches!(first(&note, Ruling::Note), AddError::OtherDecision { line: 2, .. }));
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
}

/// `lykta cluster` writes the PDQ of every picture, that of a blank one too: its digests are taken, and
/// such a row that is not taken is in nobody's way.
#[test]
fn the_pdq_of_a_flat_picture_is_left_out() {
    let (_folder, list) = place();
    let blank = "0".repeat(64);
    add(&list, &format!("a,match,,,{WHO},{SHA1},{blank},0\nb,ignore,,,{WHO},,{blank},0\n"), Ruling::Match)
        .unwrap();
    let text = fs::read_to_string(&list).unwrap();
    assert!(text.contains(&format!("\na,{SHA1},,,,")), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_file_that_is_no_list_is_left_alone() {
    let (_folder, list) = place();
    let of = |text: &[u8]| {
        fs::write(&list, text).unwrap();
        LocalList::open(&list).err().unwrap()
    };
    assert!(matches!(of(b"id,what\n"), LocalListError::Header { column, .. } if column == "what"));
    assert!(matches!(of(b"sha1\n"), LocalListError::Header { column, .. } if column.is_empty()));
    assert!(matches!(of(b"id,sha1\na\n"), LocalListError::Cells { line: 2, expected: 2, got: 1, .. }));
    assert!(matches!(of(b"id,sha1\n\xff,\n"), LocalListError::NotUtf8 { line: 2, .. }));
    assert!(matches!(of(b"id,sha1\n\"a"), LocalListError::Csv { .. }));
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    assert!(LocalList::open(&list).is_err());
}
