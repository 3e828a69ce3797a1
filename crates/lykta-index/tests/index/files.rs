//! Index files on disk: written whole or not at all, opened safely, replaced under a reader.

use std::fs;
use std::path::PathBuf;

use lykta_hash::Digest;
use lykta_index::{BuildOptions, Builder, Index, NewEntry, Source, Structure};

use crate::made_up::{full_index, full_index_of, hashes, pdq_index};

fn builder(digest: Digest) -> Builder {
    let mut builder = Builder::new(BuildOptions::default());
    let list = builder.add_source(Source { name: "list".into(), ..Source::default() });
    builder.add(list, &NewEntry { row: 1, hashes: &[digest.into()], ..NewEntry::default() }).unwrap();
    builder
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    for structure in [Structure::Bk, Structure::Mih, Structure::Flat] {
        assert_eq!(full_index(structure), full_index(structure));
        let hashes = hashes(20_000, 100, &mut crate::made_up::Numbers(11));
        assert_eq!(pdq_index(&hashes, structure), pdq_index(&hashes, structure));
    }
}

#[test]
fn a_reader_keeps_the_file_it_opened_while_a_new_one_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.lykta");
    let (old, new) = (Digest::Sha1([1; 20]), Digest::Sha1([2; 20]));
    builder(old).write(&path).unwrap();
    let reader = Index::open(&path).unwrap();
    builder(new).write(&path).unwrap();
    assert_eq!(reader.exact(&old).count(), 1);
    assert_eq!(Index::open(&path).unwrap().exact(&new).count(), 1);
    assert_eq!(Index::read(&path).unwrap().exact(&old).count(), 0);
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["list.lykta"], "no temporary file is left");
}

#[test]
fn a_build_that_fails_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no such folder").join("list.lykta");
    let error = builder(Digest::Md5([1; 16])).write(&path).unwrap_err();
    assert_eq!(error.path(), Some(path.as_path()));
    assert!(error.to_string().contains("temporary file"), "{error}");
    // A folder cannot be replaced by a file: the rename fails and the temporary file goes.
    let occupied = folder.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("inside"), "kept").unwrap();
    builder(Digest::Md5([1; 16])).write(&occupied).unwrap_err();
    assert_eq!(fs::read(occupied.join("inside")).unwrap(), b"kept");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_build_stops_before_it_takes_more_memory_than_allowed() {
    let limit = 64 << 20;
    let mut builder = Builder::new(BuildOptions { memory: limit, ..BuildOptions::default() });
    let list = builder.add_source(Source::default());
    let mut add = |row: u32| {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&row.to_be_bytes());
        let hashes = [Digest::Sha256(digest).into()];
        builder.add(list, &NewEntry { hashes: &hashes, ..NewEntry::default() })
    };
    let error = (1..3_000_000).find_map(|row| add(row).err()).unwrap();
    assert!(error.to_string().contains("67108864 bytes allowed"), "{error}");
    assert!(builder.memory() <= limit + 1000);

    let little = BuildOptions { memory: limit - 1, ..BuildOptions::default() };
    let error = Builder::new(little).into_bytes().unwrap_err();
    assert!(error.to_string().contains("at least 67108864"), "{error}");
}

/// A build that was killed leaves its temporary file; one that runs holds a lock on its own.
#[test]
fn leftovers_of_killed_builds_are_removed_and_running_builds_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    for name in [".lykta-index-dead.tmp", ".lykta-index-alive.tmp", ".lykta-index-other", "x.tmp"] {
        fs::write(file(name), "x").unwrap();
    }
    let alive = fs::File::open(file(".lykta-index-alive.tmp")).unwrap();
    alive.lock().unwrap();
    builder(Digest::Md5([1; 16])).write(&file("list.lykta")).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lykta-index-alive.tmp", ".lykta-index-other", "list.lykta", "x.tmp"]);
}

/// A reader that opens the new file the moment it has its name.
#[test]
fn a_new_index_is_not_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.lykta");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut opened = 0;
            while opened < 50 {
                match Index::open(&path) {
                    Ok(_) => opened += 1,
                    Err(error) => assert!(error.to_string().contains("cannot open"), "{error}"),
                }
            }
        });
        while !reader.is_finished() {
            builder(Digest::Md5([1; 16])).write(&path).unwrap();
        }
        reader.join().unwrap();
    });
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_an_index() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.lykta");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    builder(Digest::Md5([1; 16])).write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_no_index_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let open = |path: &PathBuf| Index::open(path).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(open(&path).contains("cannot open"), "{}", open(&path));
    fs::write(&path, "").unwrap();
    assert!(open(&path).contains("cut short"), "{}", open(&path));
    fs::write(&path, "md5\nd41d8cd98f00b204e9800998ecf8427e\n").unwrap();
    assert!(open(&path).contains("not a Lykta index"), "{}", open(&path));
    assert!(open(&path).starts_with(&path.display().to_string()));
    assert!(open(&folder.path().to_owned()).contains("not a regular file"));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_an_index_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(Index::open(&path).err().unwrap().to_string().contains("not a regular file"));
    assert!(Index::read(&path).err().unwrap().to_string().contains("not a regular file"));
}

/// Where fuzzing begins: `LYKTA_WRITE_GOLDEN=1` writes them anew after a change of the format.
#[test]
fn the_seeds_of_fuzzing_are_index_files_of_today() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz/index_open");
    let mut seeds = vec![("empty".to_owned(), Builder::new(BuildOptions::default()).into_bytes().unwrap())];
    for structure in [Structure::Bk, Structure::Mih, Structure::Flat] {
        let few = hashes(30, 10, &mut crate::made_up::Numbers(5));
        seeds.push((format!("all-kinds-{structure}"), full_index_of(structure, 20)));
        seeds.push((format!("pdq-only-{structure}"), pdq_index(&few, structure)));
    }
    for (name, bytes) in seeds {
        let path = folder.join(name + ".lykta");
        if std::env::var_os("LYKTA_WRITE_GOLDEN").is_some() {
            fs::write(&path, &bytes).unwrap();
        }
        Index::new(fs::read(&path).unwrap()).unwrap().verify().unwrap();
    }
}

/// The file that an earlier version wrote must stay readable, and a change of the format must not
/// go unnoticed: `LYKTA_WRITE_GOLDEN=1 cargo test -p lykta-index files` writes it anew.
#[test]
fn the_golden_file_is_what_is_written_today() {
    for structure in [Structure::Bk, Structure::Mih] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../testdata/index/golden-v3-{structure}.lykta"));
        let today = full_index(structure);
        if std::env::var_os("LYKTA_WRITE_GOLDEN").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &today).unwrap();
        }
        let golden = fs::read(&path).unwrap();
        Index::new(&golden[..]).unwrap().verify().unwrap();
        assert!(golden == today, "the index format changed: raise its version, and see docs/format.md");
    }
}
